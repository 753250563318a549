// The lists beside the chat window: which of them is shown, what is unread, and whether there is a connection.

import { fill, part } from "../element.js";
import { guarded } from "../guarded.js";
import { t } from "../words.js";
import { counted } from "./chats.js";

/** @import { Client } from "../../im/index.js" */
/** @import { State } from "../../im/types.js" */
/** @import { People } from "../people.js" */
/** @import { Panel } from "../types.js" */

const BADGE_BOUND = 99;

export class Side {
  #element; #client; #people; #panels; #panel; #changed = false; #ended = false;
  /** @type {HTMLElement[]} */
  #tabs = [...document.querySelectorAll("[data-panel]")].filter((tab) => tab instanceof HTMLElement);

  /**
   * `panels` are named as the tabs of the page name them.
   * @param {HTMLElement} element
   * @param {{ client: Client, people: People, panels: Record<string, Panel> }} parts
   */
  constructor(element, { client, people, panels }) {
    this.#element = element;
    this.#client = client;
    this.#people = people;
    this.#panels = panels;
    this.#panel = panels.chats;
    for (const tab of this.#tabs) tab.addEventListener("click", () => this.showPanel(tab.dataset.panel ?? ""));
    client.on("conversations", () => this.redraw());
    people.on("changed", () => this.redraw());
    client.on("state", (state) => this.showState(state));
  }

  /** @param {string} name */
  showPanel(name) {
    this.#panel = this.#panels[name];
    for (const tab of this.#tabs) tab.setAttribute("aria-pressed", String(tab.dataset.panel === name));
    part("h1", this.#element).textContent = this.#panel.title;
    fill(part(".side-tools", this.#element), ...this.#panel.tools);
    fill(part(".side-body", this.#element), this.#panel.element);
    this.#panel.show();
  }

  /** @param {State} state */
  showState(state) {
    const line = part(".state", this.#element);
    const words = { online: t("state.online"), connecting: t("state.connecting"), offline: t("state.offline") };
    line.dataset.state = state;
    line.textContent = words[state];
  }

  /** Shows what has changed, once, after everything that happens now. */
  redraw() {
    if (this.#changed || this.#ended) return;
    this.#changed = true;
    queueMicrotask(() => {
      this.#changed = false;
      if (this.#ended) return;
      guarded(() => this.#panel.show(), () => null);
      this.#showUnread();
    });
  }

  /** From now on nothing is drawn. */
  end() { this.#ended = true; }

  #showUnread() {
    const heard = this.#client.conversations().filter((conversation) => !conversation.muted);
    const unread = heard.reduce((sum, conversation) => sum + conversation.unread, 0);
    document.title = unread ? `(${counted(unread)}) twim` : "twim";
    part("[data-panel=chats]").dataset.count = unread > BADGE_BOUND ? `${BADGE_BOUND}+` : String(unread || "");
    part("[data-panel=friends]").dataset.count = String(this.#people.requests.length || "");
  }
}

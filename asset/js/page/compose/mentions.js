// "@" in a group: a list of its members to choose from, and who was meant when the message goes.

import { CMD } from "../../im/index.js";
import { userAvatar } from "../avatar.js";
import { fill, h } from "../element.js";
import { t } from "../words.js";

const SHOWN = 8; // members the list shows at once
const EVERYONE = 0; // the id that means all members

export class Mentions {
  #input; #people; #group = null; #members = []; #chosen = new Map(); #at = -1; #active = 0;

  constructor(input, people) {
    this.#input = input;
    this.#people = people;
    this.element = h("div.mentions", { role: "listbox", "aria-label": t("compose.mention"), hidden: true });
  }

  open(conversation) {
    this.#group = conversation.scope === CMD.GROUP ? conversation.dstid : null;
    this.#members = [];
    this.#chosen.clear();
    this.close();
  }

  close() {
    this.element.hidden = true;
    this.#at = -1;
  }

  /** The ids that a text mentions: chosen from the list, or `before` in an edited text, and their name still in it. */
  of(text, before = []) {
    const named = new Map([...before.map((id) => [this.#nameOf(id), id]), ...this.#chosen]);
    return [...named].filter(([name]) => text.includes(`@${name}`)).map(([, id]) => id);
  }

  // A mention ends at the first space.
  #nameOf(id) {
    return (id === EVERYONE ? t("compose.everyone") : this.#people.name(id)).replace(/\s+/gu, "_");
  }

  /** Looks whether an "@…" stands before the cursor. */
  async look() {
    const before = this.#input.value.slice(0, this.#input.selectionStart);
    const match = this.#group ? /(?:^|\s)@([^\s@]{0,20})$/u.exec(before) : null;
    if (!match) return this.close();
    this.#at = before.length - match[1].length - 1;
    if (!this.#members.length) this.#members = await this.#people.members(this.#group);
    return this.#at < 0 ? undefined : this.#show(match[1].toLowerCase());
  }

  /** True when the key was for the list. */
  key(event) {
    if (this.element.hidden) return false;
    const options = [...this.element.children];
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves) this.#activate((this.#active + moves[event.key] + options.length) % options.length);
    else if (event.key === "Enter" || event.key === "Tab") options[this.#active].click();
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    return true;
  }

  #show(typed) {
    const all = { id: EVERYONE, nickname: t("compose.everyone") };
    const others = this.#members.filter((user) => user.id !== this.#people.me.id);
    const found = [all, ...others].filter((user) => user.nickname.toLowerCase().includes(typed)).slice(0, SHOWN);
    fill(this.element, ...found.map((user) => h("button.mention-option", { type: "button", role: "option", tabindex: -1,
      onclick: () => this.#choose(user) }, user.id ? userAvatar(user, "small") : null, user.nickname)));
    this.element.hidden = !found.length;
    if (found.length) this.#activate(0);
  }

  #activate(index) {
    this.#active = index;
    [...this.element.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === index)));
  }

  #choose(user) {
    const name = this.#nameOf(user.id);
    this.#chosen.set(name, user.id);
    this.#input.setRangeText(`@${name} `, this.#at, this.#input.selectionStart, "end");
    this.close();
    this.#input.focus();
    this.#input.dispatchEvent(new Event("input"));
  }
}

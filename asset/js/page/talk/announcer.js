// Says new messages of the open chat to those who don't see them. The rows themselves say nothing: they also come and go
// while somebody scrolls.

import { h } from "../element.js";
import { preview } from "../preview.js";
import { isolated } from "../strangers.js";
import { t } from "../words.js";
import { isShown } from "./bubble.js";

/** @import { Message } from "../../im/types.js" */
/** @import { People } from "../people.js" */

const AT_ONCE = 3; // messages that are read out; of more that come together only the number
const KEPT = 5; // lines that are kept, for those who go back to them

export class Announcer {
  #people;
  /** @type {Message[]} */
  #new = [];

  /** @param {People} people */
  constructor(people) {
    this.#people = people;
    this.element = h("div.unseen", { role: "log", "aria-live": "polite", "aria-relevant": "additions", "aria-label": t("talk.new") });
  }

  /** @param {Message} message that has just come */
  take(message) {
    if (message.userid === this.#people.me.id || !isShown(message)) return;
    this.#new.push(message);
    if (this.#new.length === 1) queueMicrotask(() => this.#say(this.#new.splice(0)));
  }

  /** Another chat is opened. */
  clear() { this.element.replaceChildren(); }

  /** @param {Message[]} messages */
  #say(messages) {
    if (!messages.length) return;
    const lines = messages.length > AT_ONCE ? [t("talk.came", { count: messages.length })] : messages.map((one) => this.#line(one));
    this.element.append(...lines.map((line) => h("p", {}, line)));
    while (this.element.childElementCount > KEPT) this.element.firstElementChild?.remove();
  }

  /** @param {Message} message */
  #line(message) { return `${isolated(this.#people.name(message.userid))}: ${preview(message, this.#people)}`; }
}

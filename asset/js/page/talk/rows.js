// The list of messages: rebuilt from what the client holds, touching only the rows that differ.

import { CMD, MEDIA } from "../../im/index.js";
import { h } from "../element.js";
import { dayName, sameDay } from "../moment.js";
import { bubbleRow, isShown } from "./bubble.js";

const PAUSE = 300_000; // ms after which the same author is shown again

/** The items of a conversation in order: its messages, then what waits. */
export function itemsOf(conversation, waiting, me) {
  const items = [];
  for (const message of conversation.messages()) {
    if (!isShown(message)) continue;
    const read = message.cmd === CMD.SINGLE && conversation.peerread >= message.seq;
    items.push({ key: message.cid && message.userid === me.id ? message.cid : `s${message.seq}`, message, error: "",
      state: message.userid !== me.id ? "" : read ? "read" : "sent" });
  }
  for (const { message, made, error } of waiting) {
    if (!isShown(message)) continue;
    items.push({ key: message.cid, message: { ...message, userid: me.id, at: made }, error, state: error ? "refused" : "waiting" });
  }
  return items;
}

export class Rows {
  #talk; #shown = new Map();

  constructor(talk) {
    this.#talk = talk;
    this.element = h("ol.rows", { "aria-live": "polite", "aria-relevant": "additions" });
  }

  /** Shows `items`; rows that look as before stay the elements they were, so that a playing voice goes on. */
  show(items) {
    const next = new Map();
    let before = null;
    for (const item of items) {
      const { message } = item;
      if (!before || !sameDay(before.at, message.at)) {
        const name = `d${new Date(message.at).toDateString()}`;
        next.set(name, this.#reuse(name, name, () => h("li.day", {}, h("span", {}, dayName(message.at)))));
        before = null;
      }
      item.first = !before || before.userid !== message.userid || before.recalled || before.media === MEDIA.NOTICE || message.at - before.at > PAUSE;
      next.set(item.key, this.#reuse(item.key, this.#look(item), () => bubbleRow(item, this.#talk)));
      before = message;
    }
    this.#place(next);
  }

  clear() {
    this.#shown.clear();
    this.element.replaceChildren();
  }

  #look(item) {
    const { people } = this.#talk.app;
    const user = people.user(item.message.userid);
    const reacted = Object.values(item.message.reactions ?? {}).flat().map((id) => people.name(id));
    return JSON.stringify([item, user.nickname, user.avatar, reacted]);
  }

  #reuse(key, look, build) {
    const old = this.#shown.get(key);
    return old?.look === look ? old : { look, element: build() };
  }

  #place(next) {
    for (const [key, { element }] of this.#shown) if (next.get(key)?.element !== element) element.remove();
    let at = this.element.firstElementChild;
    for (const { element } of next.values()) {
      if (element === at) at = at.nextElementSibling;
      else this.element.insertBefore(element, at);
    }
    this.#shown = next;
  }
}

// The list of messages, as the client holds them.

import { CMD, MEDIA } from "../../im/index.js";
import { h } from "../element.js";
import { KeyedList } from "../keyed-list.js";
import { dayName, sameDay } from "../moment.js";
import { bubbleRow, isShown } from "./bubble.js";

const PAUSE = 300_000; // ms after which the same author is shown again

/** The items of a conversation in order: its messages, then what waits. */
export function itemsOf(conversation, waiting, me) {
  const items = [];
  for (const message of conversation.messages()) {
    if (!isShown(message)) continue;
    const mine = message.userid === me.id;
    const read = message.cmd === CMD.SINGLE && conversation.peerread >= message.seq;
    const state = read ? "read" : "sent";
    const key = mine && message.cid ? message.cid : `s${message.seq}`; // the cid was its key while it waited
    items.push({ key, message, error: "", state: mine ? state : "" });
  }
  for (const { message, made, error } of waiting) {
    if (!isShown(message)) continue;
    const state = error ? "refused" : "waiting";
    items.push({ key: message.cid, message: { ...message, userid: me.id, at: made }, error, state });
  }
  return items;
}

export class Rows {
  #talk; #list;

  constructor(talk) {
    this.#talk = talk;
    this.element = h("ol.rows", { "aria-live": "polite", "aria-relevant": "additions" });
    this.#list = new KeyedList(this.element);
  }

  show(items) {
    const rows = [];
    let before = null;
    for (const item of items) {
      const { message } = item;
      const newDay = !before || !sameDay(before.at, message.at);
      if (newDay) rows.push(dayRow(message.at));
      item.first = newDay || begins(before, message);
      rows.push({ key: item.key, look: this.#look(item), build: () => bubbleRow(item, this.#talk) });
      before = message;
    }
    this.#list.show(rows);
  }

  #look(item) {
    const { people } = this.#talk.app;
    const user = people.user(item.message.userid);
    const reacted = Object.values(item.message.reactions ?? {}).flat().map((id) => people.name(id));
    return JSON.stringify([item, user.nickname, user.avatar, reacted]);
  }
}

function dayRow(at) {
  const key = `d${new Date(at).toDateString()}`;
  const name = dayName(at);
  return { key, look: name, build: () => h("li.day", {}, h("span", {}, name)) };
}

/** Whether the author is to be shown again: another one, or after a pause, or after a line that is no bubble. */
function begins(before, message) {
  const same = before.userid === message.userid && !before.recalled && before.media !== MEDIA.NOTICE;
  return !same || message.at - before.at > PAUSE;
}

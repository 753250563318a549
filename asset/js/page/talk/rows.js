// The list of messages, as the client holds them.

import { CMD, MEDIA } from "../../im/index.js";
import { h } from "../element.js";
import { guarded } from "../guarded.js";
import { KeyedList } from "../keyed-list.js";
import { dayName, dayOf, sameDay } from "../moment.js";
import { NAMED, bubbleRow, isShown, reactionsOf } from "./bubble.js";
import { preview } from "../preview.js";
import { ownsGroup } from "./actions.js";
import { plainText } from "./media.js";

/** @import { Conversation } from "../../im/conversation.js" */
/** @import { Entry, User } from "../../im/types.js" */
/** @import { Row } from "../keyed-list.js" */
/** @import { ShownMessage } from "../types.js" */
/** @import { Item, RowParts } from "./types.js" */

const PAUSE = 300_000; // ms after which the same author is shown again

/**
 * The items of a conversation in order: its messages, then what waits.
 * @param {Conversation} conversation
 * @param {Entry[]} waiting
 * @param {User} me
 */
export function itemsOf(conversation, waiting, me) {
  /** @type {Item[]} */
  const items = [];
  for (const message of conversation.messages()) {
    if (!message || !isShown(message)) continue;
    const mine = message.userid === me.id;
    const read = message.cmd === CMD.SINGLE && conversation.peerread >= message.seq;
    const state = read ? "read" : "sent";
    const key = mine && message.cid ? `c${message.cid}` : `s${message.seq}`; // the cid was its key while it waited
    items.push({ key, message, error: "", state: mine ? state : "" });
  }
  for (const { message, made, error } of waiting) {
    if (!isShown(message)) continue;
    const state = error ? "refused" : "waiting";
    items.push({ key: `c${message.cid}`, message: { ...message, userid: me.id, at: made }, error, state });
  }
  return items;
}

export class Rows {
  #parts; #list;

  /** @param {RowParts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.element = h("ol.rows", { "aria-live": "polite", "aria-relevant": "additions" });
    this.#list = new KeyedList(this.element);
  }

  /** @param {Item[]} items */
  show(items) {
    /** @type {Row[]} */
    const rows = [];
    /** @type {ShownMessage | null} */
    let before = null;
    for (const item of items) {
      const { message } = item;
      const newDay = !before || !sameDay(before.at, message.at);
      if (newDay) rows.push(dayRow(message.at));
      item.first = newDay || begins(before, message);
      rows.push({ key: item.key, look: guarded(() => this.#look(item), () => ""), plain: plainText(message),
        build: () => numbered(bubbleRow(item, this.#parts), message) });
      before = message;
    }
    this.#list.show(rows);
  }

  /** @param {Item} item */
  #look(item) {
    const { people } = this.#parts;
    const user = people.user(item.message.userid);
    const reacted = reactionsOf(item.message).flatMap(([, ids]) => ids.slice(0, NAMED).map((id) => people.name(id)));
    const notice = item.message.media === MEDIA.NOTICE ? preview(item.message, people) : "";
    return JSON.stringify([item, user.nickname, user.avatar, user.bot, reacted, notice, ownsGroup(item.message, people)]);
  }
}

/**
 * Also a line that is no bubble is a message that one can be sent to, and that keeps its position.
 * @param {HTMLElement} row
 * @param {ShownMessage} message
 */
function numbered(row, { seq }) {
  if (seq) row.dataset.seq = String(seq);
  return row;
}

/**
 * @param {number} at
 * @returns {Row}
 */
function dayRow(at) {
  const name = dayName(at);
  const key = `d${dayOf(at)}`;
  return { key, look: name, build: () => h("li.day", {}, h("span", {}, name)) };
}

/**
 * Whether the author is to be shown again: another one, or after a pause, or after a line that is no bubble.
 * @param {ShownMessage | null} before
 * @param {ShownMessage} message
 */
function begins(before, message) {
  if (!before) return true;
  const same = before.userid === message.userid && !before.recalled && before.media !== MEDIA.NOTICE;
  return !same || message.at - before.at > PAUSE;
}

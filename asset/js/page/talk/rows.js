// The list of messages, as the client holds them.

import { CMD, MEDIA } from "../../im/index.js";
import { h } from "../element.js";
import { guarded } from "../guarded.js";
import { KeyedList } from "../keyed-list.js";
import { dayName, dayOf, sameDay } from "../moment.js";
import { TabStop } from "../tab-stop.js";
import { t } from "../words.js";
import { preview } from "../preview.js";
import { bubbleRow, isShown } from "./bubble.js";
import { plainText } from "./media.js";
import { NAMED, reactionsOf } from "./reactions.js";

/** @import { Conversation } from "../../im/conversation.js" */
/** @import { Entry, Message, User } from "../../im/types.js" */
/** @import { Row } from "../keyed-list.js" */
/** @import { ShownMessage } from "../types.js" */
/** @import { Item, RowParts } from "./types.js" */

const PAUSE = 300_000; // ms after which the same author is shown again

/**
 * The items of a part of a conversation in order: its messages, then what waits.
 * @param {Message[]} messages that have rows
 * @param {Pick<Conversation, "peerread">} conversation
 * @param {Entry[]} waiting
 * @param {User} me
 */
export function itemsOf(messages, conversation, waiting, me) {
  /** @type {Item[]} */
  const items = [];
  for (const message of messages) {
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

/**
 * Where the rows stand: what is before the first of them, if it is held, and after which message (`newAfter`) everything
 * was new to the user.
 * @typedef {{ before?: ShownMessage | null, newAfter?: number }} Place
 */

export class Rows {
  #parts; #list; #stop;

  /** @param {RowParts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.element = h("ol.rows", { "aria-label": t("talk.messages") });
    this.#list = new KeyedList(this.element);
    this.#stop = new TabStop(this.element, "li.message");
  }

  /**
   * @param {Item[]} items
   * @param {Place} [place]
   */
  show(items, { before: above = null, newAfter = Infinity } = {}) {
    /** @type {Row[]} */
    const rows = [];
    let before = above;
    for (const item of items) {
      const { message } = item;
      const newDay = !before || !sameDay(before.at, message.at);
      if (newDay || before === above) rows.push(dayRow(message.at));
      const isNew = (message.seq ?? 0) > newAfter && (before?.seq ?? newAfter) <= newAfter;
      if (isNew) rows.push(NEW);
      item.first = newDay || isNew || begins(before, message);
      rows.push({ key: item.key, look: guarded(() => this.#look(item), () => ""), plain: plainText(message),
        build: () => numbered(bubbleRow(item, this.#parts), message) });
      before = message;
    }
    this.#stop.around(() => this.#list.show(rows));
  }

  /** @param {Item} item */
  #look(item) {
    const { people } = this.#parts;
    const user = people.user(item.message.userid);
    const reacted = reactionsOf(item.message).flatMap(([, ids]) => ids.slice(0, NAMED).map((id) => people.name(id)));
    const notice = item.message.media === MEDIA.NOTICE ? preview(item.message, people) : "";
    return JSON.stringify([item, user.nickname, user.avatar, user.bot, reacted, notice]);
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

/** @type {Row} */
const NEW = { key: "new", look: "", build: () => h("li.new", {}, h("span", {}, t("talk.new"))) };

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

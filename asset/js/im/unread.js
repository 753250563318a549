// How much of a conversation the user hasn't read, as a row of the server's list would say now: what it said last, and
// what happened since. `twim/client/unread.py` is the same in Python.

import { MEDIA, isEvent } from "./codes.js";

/** @import { Message, Row } from "./types.js" */

export const EXACT = 1000; // counted exactly; one more means more
const RECENT_EVENTS = 200; // kept for a row that was read before they happened
const REMOVED = "removed"; // the notice whose memo is a member's id

/** @param {number} count */
const bounded = (count) => Math.max(0, Math.min(count, EXACT + 1));

/**
 * What of an event is kept. `ref` is 0 when it names no message.
 * @typedef {{ seq: number, media: number, ref: number, mentions: number[] }} KeptEvent
 */

/** One conversation's. `take` is given its messages in order, `readTo` the marks, `adopt` the server's rows. */
export class Unread {
  #me; #row = { seq: 0, unread: 0, mentions: 0 }; #high = 0; #skipped = 0;
  /** @type {Map<number, boolean>} what came after the row, by seq: whether it names the user */
  #since = new Map();
  /** @type {KeptEvent[]} */
  #events = [];

  /** How far the user has read. */
  read = 0;
  /** Whether the counts may differ from the server's: then a row is to be loaded. */
  unsure = false;

  /** @param {number} me */
  constructor(me) { this.#me = me; }

  get unread() { return bounded(this.#row.unread + this.#since.size); }

  /** How many of the unread messages name the user or everybody. */
  get mentions() {
    let count = this.#row.mentions;
    for (const names of this.#since.values()) count += Number(names);
    return bounded(count);
  }

  /**
   * The next message, in order.
   * @param {Message} message
   */
  take(message) {
    const { seq, userid } = message;
    if (seq <= this.#high) return;
    this.#high = seq;
    if (userid === this.#me) this.readTo(seq);
    const event = isEvent(message) ? kept(message) : null;
    if (event) this.#keep(event);
    if (seq <= Math.max(this.#row.seq, this.read)) return;
    if (event) this.#apply(event);
    else if (this.#counts(message)) this.#add(seq, this.#names(message));
  }

  /**
   * The user has read up to `seq`, here or on another device. It never goes back.
   * @param {number} seq
   */
  readTo(seq) {
    if (seq <= this.read) return;
    this.read = seq;
    for (const one of this.#since.keys()) if (one <= seq) this.#since.delete(one);
    if (!this.#row.unread) return;
    if (seq >= this.#row.seq) this.#row = { ...this.#row, unread: 0, mentions: 0 };
    else this.unsure = true; // how much of it was before `seq` only the server knows
  }

  /**
   * The messages up to `head` will not be given to `take`.
   * @param {number} head
   */
  skip(head) {
    if (head <= this.#high) return;
    this.#high = this.#skipped = head;
    if (head > Math.max(this.#row.seq, this.read)) this.unsure = true;
  }

  /**
   * Counts from a row of the server's on. Events that happened after it was read are applied to it.
   * @param {Pick<Row, "seq" | "read" | "unread" | "mentions">} row
   */
  adopt({ seq, read = 0, unread = seq - read, mentions = 0 }) {
    if (seq < this.#row.seq) return;
    const mine = this.read;
    this.read = read;
    this.#row = { seq, unread, mentions };
    for (const one of this.#since.keys()) if (one <= Math.max(seq, read)) this.#since.delete(one);
    this.unsure = seq < this.#skipped || (this.#events.length === RECENT_EVENTS && this.#events[0].seq > seq + 1);
    for (const event of this.#events) if (event.seq > seq && event.ref <= seq) this.#apply(event);
    this.readTo(mine);
  }

  /** @param {KeptEvent} event */
  #keep(event) {
    this.#events.push(event);
    if (this.#events.length > RECENT_EVENTS) this.#events.shift();
  }

  /**
   * @param {number} seq
   * @param {boolean} names whether it names the user
   */
  #add(seq, names) {
    this.#since.set(seq, names);
    if (this.#since.size <= EXACT + 1) return;
    const [[first, named]] = this.#since;
    this.#since.delete(first);
    const { unread, mentions } = this.#row;
    this.#row = { seq: first, unread: bounded(unread + 1), mentions: bounded(mentions + Number(named)) };
  }

  /** @param {KeptEvent} event */
  #apply({ media, ref, mentions }) {
    if (ref <= this.read) return;
    if (media === MEDIA.RECALL) this.#recalled(ref);
    if (media === MEDIA.EDIT && mentions.length) this.#renamed(ref, this.#isNamed(mentions));
  }

  /** @param {number} ref */
  #recalled(ref) {
    if (ref > this.#row.seq) {
      this.#since.delete(ref); // it isn't there if it came as recalled already
      return;
    }
    // Whether the recalled message named the user is known if no unread one does, or all do.
    const { seq, unread, mentions } = this.#row;
    if (unread > EXACT || (mentions && mentions !== unread)) this.unsure = true;
    const left = Math.max(0, unread - 1);
    if (unread <= EXACT) this.#row = { seq, unread: left, mentions: Math.min(mentions, left) };
  }

  /**
   * @param {number} ref
   * @param {boolean} names whether the edited message names the user now
   */
  #renamed(ref, names) {
    if (ref > this.#row.seq) {
      if (this.#since.has(ref)) this.#since.set(ref, names);
      return;
    }
    if (this.#row.mentions) this.unsure = true;
    else this.#row.mentions += Number(names);
  }

  /** @param {Message} message */
  #counts(message) {
    if (message.media === MEDIA.NOTICE) return this.#names(message);
    return message.userid !== this.#me && !message.recalled;
  }

  /** @param {Message} message */
  #names({ media, content, memo, mentions }) {
    if (media === MEDIA.NOTICE && content === REMOVED) return memo === String(this.#me);
    return this.#isNamed(mentions ?? []);
  }

  /** @param {number[]} mentions */
  #isNamed(mentions) { return mentions.includes(0) || mentions.includes(this.#me); }
}

/**
 * @param {Message} event
 * @returns {KeptEvent}
 */
const kept = ({ seq, media, ref = 0, mentions }) => ({ seq, media, ref, mentions: mentions ?? [] });

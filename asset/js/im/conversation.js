// What is known of one conversation: an unbroken run of messages by seq, and messages that came too early.

import { plainAddress } from "./addresses.js";
import { CMD, MEDIA, isEvent } from "./codes.js";
import { blank, changed, erased } from "./events.js";
import { Unread } from "./unread.js";

/** @import { Message, Row } from "./types.js" */

export const KEEP = 2000; // messages held per conversation; older ones are loaded again when they are needed
export const READING_BOUND = 20_000; // messages held while somebody reads; later ones are fetched when that ends
export const EARLY_BOUND = 500; // messages held beyond a gap; more than that are fetched again anyway
const RECENT_EVENTS = 200; // events kept, to be applied to pages that were read before they happened

/**
 * Holds the messages `low`…`high` without a gap (`low` is `high` + 1 when there are none). `head` is the highest seq
 * known to exist, `read` how far the user has read, `peerread` how far the other one has. `unread` and `mentions` are
 * as a row of the server's says them: exact to 1,000, and 1,001 means more. `reading` is set while somebody looks at an
 * earlier part than the end: then nothing that is held is removed. `apart` is set while
 * the held messages are a part of the past that was gone to, and the gap after them is not filled by itself. `muted` and `pinned` are what the user has set.
 */
export class Conversation {
  /** @type {Map<number, Message>} */
  #messages = new Map();
  /** @type {Map<number, Message>} */
  #early = new Map();
  /** @type {Message[]} */
  #events = [];
  #me; #unread; #hiddenAt;

  /**
   * @param {number} scope the cmd of its messages
   * @param {number} dstid the other user's id, or the group's
   * @param {number} [base] the seq after which it starts
   * @param {number} [me] the id of the user whose conversation it is
   */
  constructor(scope, dstid, base = 0, me = 0) {
    this.scope = scope;
    this.dstid = dstid;
    this.low = base + 1;
    this.high = base;
    this.head = base;
    this.#me = me;
    this.#unread = new Unread(me);
    this.peerread = 0;
    /** @type {Message | null} the newest message */
    this.last = null;
    this.reading = false;
    this.apart = false;
    this.muted = false;
    this.pinned = false;
    this.#hiddenAt = 0;
  }

  get read() { return this.#unread.read; }
  get unread() { return this.#unread.unread; }
  get mentions() { return this.#unread.mentions; }
  /** Whether `unread` and `mentions` wait for a row of the server's. */
  get unsure() { return this.#unread.unsure; }
  /** Whether the user has hidden it, and nothing was said since. */
  get hidden() { return this.#hiddenAt > 0 && this.#hiddenAt >= this.head; }
  get gap() { return this.high < this.head; }
  get size() { return this.#messages.size; }
  get full() { return this.reading && this.size >= READING_BOUND; }

  /**
   * The message `seq`, if it is held.
   * @param {number} seq
   */
  at(seq) { return this.#messages.get(seq); }

  /**
   * The held messages in order.
   * @returns {Generator<Message, void>}
   */
  *messages() {
    for (let seq = this.low; seq <= this.high; seq++) {
      const message = this.#messages.get(seq);
      if (message) yield message;
    }
  }

  /**
   * The user has read up to `seq`. It never goes back.
   * @param {number} seq
   */
  readTo(seq) { this.#unread.readTo(seq); }

  /**
   * Counts what is unread from a row of the server's on.
   * @param {Pick<Row, "seq" | "read" | "unread" | "mentions">} row
   */
  count(row) { this.#unread.adopt(row); }

  /**
   * How the user keeps it: 0 or 1 each.
   * @param {{ mute?: number, pin?: number, hide?: number }} settings
   */
  keep({ mute = 0, pin = 0, hide = 0 }) {
    this.muted = mute === 1;
    this.pinned = pin === 1;
    this.#hiddenAt = hide ? this.head : 0;
  }

  /**
   * Takes a message that has just happened. Returns those that can be shown now, in order; none when it is a repeat.
   * @param {Message} message
   */
  receive(message) {
    const { seq } = message;
    this.#noteHead(message);
    if (this.apart) this.#unread.skip(seq);
    if (this.full || this.apart) return [];
    if (seq <= this.high || this.#early.has(seq)) return [];
    if (seq > this.high + 1 && this.#early.size >= EARLY_BOUND) return [];
    this.#early.set(seq, message);
    const shown = [];
    for (let next = this.#early.get(this.high + 1); next; next = this.#early.get(this.high + 1)) {
      this.#early.delete(next.seq);
      this.#append(next);
      shown.push(next);
    }
    return shown;
  }

  /**
   * Puts an older page (ascending, ending at `low` - 1) before the run. The page shows what events up to `total`, the
   * head when it was read, have done; those that happened since are applied here.
   * @param {Message[]} rows
   * @param {number} total
   */
  prepend(rows, total) {
    for (const row of [...rows].reverse()) {
      if (row.seq !== this.low - 1) continue;
      this.#messages.set(row.seq, row);
      this.low = row.seq;
    }
    for (const event of this.#events) if (event.seq > total) this.#apply(event);
  }

  /**
   * Holds this page (ascending) instead of what was held. `total` is as of `prepend`.
   * @param {Message[]} rows
   * @param {number} total
   */
  jump(rows, total) {
    this.#messages.clear();
    this.#early.clear();
    this.low = rows[0].seq;
    this.high = this.low - 1;
    this.head = Math.max(this.head, total);
    this.#unread.skip(this.head);
    for (const row of rows) this.#hold(row);
    for (const event of this.#events) if (event.seq > total) this.#apply(event);
  }

  /**
   * Puts a newer page (ascending, beginning at `high` + 1) behind the run of a conversation that stands `apart`.
   * @param {Message[]} rows
   */
  extend(rows) {
    for (const row of rows) {
      if (row.seq !== this.high + 1) continue;
      this.#hold(row);
      if (isEvent(row)) this.#apply(row);
    }
  }

  /** @param {Message} row */
  #hold(row) {
    this.#messages.set(row.seq, row);
    this.high = row.seq;
    this.apart = this.gap;
  }

  /**
   * Takes the addresses of these messages, read anew, for those that are held. True when one of them changed.
   * @param {Message[]} rows
   */
  renew(rows) {
    let changes = false;
    for (const { seq, url, pic } of rows) {
      const held = this.#messages.get(seq);
      if (!held || (held.url === url && held.pic === pic)) continue;
      if (plainAddress(held.url) !== plainAddress(url) || plainAddress(held.pic) !== plainAddress(pic)) continue;
      this.#messages.set(seq, { ...held, ...(url && { url }), ...(pic && { pic }) });
      changes = true;
    }
    return changes;
  }

  /**
   * Forgets the held messages and starts again after `head`: what was missed is too much to be fetched.
   * @param {number} head
   */
  restart(head) {
    this.#messages.clear();
    this.#early.clear();
    this.low = head + 1;
    this.high = head;
    this.apart = false;
    this.head = Math.max(this.head, head);
    this.#unread.skip(head);
  }

  /**
   * The user was erased: what they said counts as recalled, and their reactions are gone. Whether any of it is held.
   * @param {number} userid
   */
  erase(userid) {
    let found = false;
    for (const held of [this.#messages, this.#early]) {
      for (const [seq, message] of held) {
        const left = erased(message, userid);
        if (left !== message) held.set(seq, left);
        found ||= left !== message;
      }
    }
    if (this.last) this.last = erased(this.last, userid);
    this.#events = this.#events.filter((event) => event.userid !== userid);
    return found;
  }

  /** @param {Message} message */
  #noteHead(message) {
    if (message.seq < this.head) return;
    this.head = message.seq;
    this.last = message;
  }

  /** @param {Message} message */
  #append(message) {
    this.#messages.set(message.seq, message);
    this.high = message.seq;
    this.#unread.take(message);
    // Who has sent something has read what came before it, and no read mark says so.
    if (this.scope === CMD.SINGLE && message.userid !== this.#me) {
      this.peerread = Math.max(this.peerread, message.seq);
    }
    if (isEvent(message)) {
      this.#events.push(message);
      if (this.#events.length > RECENT_EVENTS) this.#events.shift();
      this.#apply(message);
    }
    this.trim();
  }

  /** Removes messages that are older than what is kept. */
  trim() {
    while (!this.reading && this.#messages.size > KEEP) this.#messages.delete(this.low++);
  }

  /**
   * Applies an event to the message that it names. One that fails must not stop the messages after it.
   * @param {Message} event
   */
  #apply(event) {
    try {
      this.#change(event);
    } catch (error) {
      console.error(error);
    }
  }

  /** @param {Message} event */
  #change(event) {
    const { ref = 0 } = event;
    const target = this.#messages.get(ref);
    if (target) this.#messages.set(ref, changed(target, event));
    if (event.media !== MEDIA.RECALL) return;
    for (const edit of this.#messages.values()) {
      if (edit.media === MEDIA.EDIT && edit.ref === ref) this.#messages.set(edit.seq, blank(edit));
    }
  }
}

// Which of the messages that are held have rows in the page: a slice around what is read, of a bounded length.

/** @import { Message } from "../../im/types.js" */

export const MOST = 160; // messages that have rows at once
export const BEGIN = 50; // messages on a side of where a slice begins
export const AROUND = 12; // and where one jumps to: what is further away is added then
export const STEP = 25; // messages that are added at an end of the slice: more rows at once take too long

/**
 * What a slice is taken from: the messages `low`…`high`, of which `at(seq)` gives one if there is one. A part of the past
 * that was gone to is `apart`: its end is not the newest message.
 * @typedef {object} Source
 * @property {number} low
 * @property {number} high
 * @property {boolean} apart
 * @property {(seq: number) => Message | undefined} at
 */

/**
 * The messages of a slice in order, and the one before them, if it is held.
 * @typedef {{ before: Message | null, messages: Message[] }} Part
 */

/**
 * The messages `first`…`last` of a source, those without a row not counted. An open slice has no last message: it ends
 * with the newest.
 */
export class Slice {
  #has; #first = Infinity; #last = Infinity;

  /** @param {(message: Message) => boolean} hasRow */
  constructor(hasRow) { this.#has = hasRow; }

  /** Whether it ends with the newest message. */
  get open() { return this.#last === Infinity; }

  /**
   * Begins anew at the end of the source.
   * @param {Source} source
   */
  toEnd(source) {
    this.#last = Infinity;
    this.#first = this.#back(source, source.high, BEGIN);
  }

  /**
   * Begins anew around the message `seq`, which needn't have a row.
   * @param {Source} source
   * @param {number} seq
   * @param {number} [count] of messages on each side
   */
  around(source, seq, count = BEGIN) {
    this.#first = this.#back(source, Math.min(seq, source.high), count);
    this.#last = this.#forward(source, seq + 1, count);
    this.#openAtEnd(source);
  }

  /**
   * Adds what lies before it, and lets go at its other end what is too much. False when all that is held is in it.
   * @param {Source} source
   */
  up(source) {
    if (!(this.#first > source.low)) return false;
    this.#first = this.#back(source, Math.min(this.#first - 1, source.high), STEP);
    this.#closeAt(source);
    return true;
  }

  /**
   * The same with what lies behind it.
   * @param {Source} source
   */
  down(source) {
    if (!(this.#last < source.high)) return false;
    this.#last = this.#forward(source, this.#last + 1, STEP);
    this.#openAtEnd(source);
    this.#first = Math.max(this.#first, this.#back(source, Math.min(this.#last, source.high), MOST));
    return true;
  }

  /**
   * What it holds now. What was added to the source at its open end is in it; too much is let go where nobody reads:
   * `following`, who is at the end, at the beginning.
   * @param {Source} source
   * @param {boolean} following
   * @returns {Part}
   */
  of(source, following) {
    if (!source.apart) this.#openAtEnd(source);
    if (this.open && following) this.#first = Math.max(this.#first, this.#back(source, source.high, MOST));
    else this.#closeAt(source);
    const [first, last] = [Math.max(this.#first, source.low), Math.min(this.#last, source.high)];
    /** @type {Message[]} */
    const messages = [];
    for (let seq = first; seq <= last; seq++) {
      const message = source.at(seq);
      if (message && this.#has(message)) messages.push(message);
    }
    const before = source.at(this.#back(source, first - 1, 1));
    return { before: before && before.seq < first && this.#has(before) ? before : null, messages };
  }

  /**
   * Ends it where it has as many rows as it may.
   * @param {Source} source
   */
  #closeAt(source) {
    const last = this.#forward(source, Math.max(this.#first, source.low), MOST);
    if (last < source.high && last < this.#last) this.#last = last;
  }

  /**
   * Past all that is held is the end, if it is the conversation's.
   * @param {Source} source
   */
  #openAtEnd(source) { if (this.#last >= source.high) this.#last = source.apart ? source.high : Infinity; }

  /**
   * The seq of the message that is the `count`th with a row from `seq` on towards the beginning, or the first one held.
   * @param {Source} source
   * @param {number} seq
   * @param {number} count
   */
  #back(source, seq, count) {
    let left = count;
    let at = seq;
    for (; at > source.low; at--) {
      const message = source.at(at);
      if (message && this.#has(message) && --left === 0) break;
    }
    return Math.max(at, source.low);
  }

  /**
   * The same towards the end.
   * @param {Source} source
   * @param {number} seq
   * @param {number} count
   */
  #forward(source, seq, count) {
    let left = count;
    let at = seq;
    for (; at < source.high; at++) {
      const message = source.at(at);
      if (message && this.#has(message) && --left === 0) break;
    }
    return Math.min(at, source.high);
  }
}

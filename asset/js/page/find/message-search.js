// A search among messages while somebody writes its words: asked after a pause, given up when more is written, and read on
// page by page.

import { Refused } from "../../im/refused.js";

/** @import { Found } from "../../im/types.js" */
/** @typedef {(words: string, before: number, signal: AbortSignal) => Promise<{ rows: Found[], next: number }>} Ask */

/**
 * What there is to show: `none` where nothing is looked for, `asking`, `found` (also nothing), `failed`, and `paused` after
 * too many searches: then it goes on by itself.
 * @typedef {"none" | "asking" | "found" | "failed" | "paused"} Status
 */

export const PAUSE = 250; // ms without a key after which the server is asked
export const MOST = 120; // messages that are kept: who has more of them writes more words
export const LONGEST = 100; // characters of the words
const EMPTY_PAGES = 10; // pages without a message that are read one after the other
const WAIT = 1_000; // ms of a pause, where the server doesn't say for how long

export class MessageSearch {
  #ask; #changed; #asked = 0; #words = ""; #stale = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {AbortController | null} */
  #under = null;
  /** @type {Status} */
  status = "none";
  /** @type {Found[]} those of the words before stay until others are there */
  rows = [];
  of = ""; // the words that they have
  /** @type {unknown} */
  error = null;
  next = 0; // before which the next page is; 0 at the end
  wait = 0; // ms of a pause

  /**
   * `ask` asks the server for a page, and `changed` is called whenever there is something new to show.
   * @param {{ ask: Ask, changed: () => void }} calls
   */
  constructor({ ask, changed }) {
    this.#ask = ask;
    this.#changed = changed;
  }

  get words() { return this.#words; }
  get more() { return this.next > 0 && this.rows.length < MOST; }

  /**
   * These are the words now. With `at once` no pause is waited for: something else than the words is new, or Enter was pressed.
   * @param {string} words
   * @param {{ atOnce?: boolean }} [how]
   */
  write(words, { atOnce = false } = {}) {
    const asked = [...words.trim()].slice(0, LONGEST).join("");
    if (asked === this.#words && !atOnce) return;
    this.stop();
    this.#words = asked;
    this.#stale = true;
    if (!asked) this.#take([]);
    this.next = 0;
    this.#become(asked ? "asking" : "none");
    if (!asked) return;
    if (atOnce) this.#load();
    else this.#timer = setTimeout(() => this.#load(), PAUSE);
  }

  /** The next page; once it is there, `changed` was called. */
  async readOn() {
    if (this.status === "asking" || !this.more) return;
    this.#become("asking");
    await this.#load();
  }

  /** The same page again, after it failed. */
  again() {
    this.#become("asking");
    return this.#load();
  }

  /** Gives up what is asked for. */
  stop() {
    clearTimeout(this.#timer);
    this.#under?.abort();
    this.#under = null;
    this.#asked += 1;
  }

  async #load() {
    const asked = ++this.#asked;
    const under = this.#under = new AbortController();
    const before = this.#stale ? [] : this.rows;
    /** @type {Found[]} */
    let found = [];
    try {
      for (let pages = 0; pages < EMPTY_PAGES && !found.length; pages++) {
        const { rows, next } = await this.#ask(this.#words, this.next, under.signal);
        if (asked !== this.#asked) return;
        found = rows;
        this.next = next;
        if (!next) break;
      }
      this.#take([...before, ...found].slice(0, MOST));
      this.#become("found");
    } catch (error) {
      if (asked === this.#asked) this.#refused(error);
    }
  }

  /** @param {unknown} error */
  #refused(error) {
    this.error = error;
    if (this.#stale) this.#take([]);
    if (!(error instanceof Refused && error.status === 429)) return this.#become("failed");
    this.wait = error.wait || WAIT;
    this.#timer = setTimeout(() => this.again(), this.wait);
    return this.#become("paused");
  }

  /** @param {Found[]} rows */
  #take(rows) {
    this.rows = rows;
    this.of = this.#words;
    this.#stale = false;
  }

  /** @param {Status} status */
  #become(status) {
    this.status = status;
    this.#changed();
  }
}

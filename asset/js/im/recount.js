// Asks the server how much is unread where what came to this client doesn't say it.

import { keyOf } from "./codes.js";

/** @import { Conversation } from "./conversation.js" */
/** @import { Rest } from "./rest.js" */
/** @import { Environment } from "./types.js" */

export const RECOUNT_AFTER = 500; // ms until the server is asked
export const RECOUNT_AGAIN = 3_000; // ms until it is asked again

/**
 * `conversations` are those of the client, by key; `isOnline` says whether to ask at all; `changed` is called when some
 * of them were counted.
 * @typedef {object} RecountOptions
 * @property {Pick<Environment, "setTimeout" | "clearTimeout">} env
 * @property {Pick<Rest, "rows">} rest
 * @property {Map<string, Conversation>} conversations
 * @property {() => boolean} isOnline
 * @property {() => void} changed
 */

export class Recount {
  #env; #rest; #conversations; #isOnline; #changed;
  /** @type {number | null} */
  #timer = null;

  /** @param {RecountOptions} options */
  constructor({ env, rest, conversations, isOnline, changed }) {
    this.#env = env;
    this.#rest = rest;
    this.#conversations = conversations;
    this.#isOnline = isOnline;
    this.#changed = changed;
  }

  stop() {
    this.#env.clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Asks after `ms` if some counts are unsure. */
  later(ms = RECOUNT_AFTER) {
    const unsure = [...this.#conversations.values()].some((conversation) => conversation.unsure);
    if (this.#timer !== null || !unsure || !this.#isOnline()) return;
    this.#timer = this.#env.setTimeout(() => this.#ask(), ms);
  }

  async #ask() {
    try {
      const rows = await this.#rest.rows("/message/conversations");
      const found = new Map(rows.map((row) => [keyOf(row.scope, row.dstid), row]));
      for (const [key, conversation] of this.#conversations) {
        // What isn't in the list is a group that was left: nothing in it is unread.
        if (conversation.unsure) conversation.count(found.get(key) ?? { seq: conversation.head, unread: 0 });
      }
      this.#changed();
    } catch {
      // It is asked again below, or the next catch-up says it.
    }
    this.#timer = null;
    this.later(RECOUNT_AGAIN);
  }
}

// Messages that were not delivered to this page: older pages, gaps, single ones that are quoted.

import { keyOf } from "./codes.js";

export const PAGE = 50; // messages a scroll-back loads
export const GAP_BOUND = 200; // a longer gap isn't filled: the run starts again at its end, and is paged back
export const GAP_PATIENCE = 400; // ms in which messages that overtook each other may still arrive by themselves
const MEND_AGAIN = 3_000; // ms until the next attempt when the server refused
const QUOTES_BOUND = 200; // fetched single messages that are kept

export class History {
  #rest; #env; #take; #restarted; #mending = new Set(); #paging = new Map(); #quotes = new Map();

  constructor({ rest, env, take, restarted }) {
    this.#rest = rest;
    this.#env = env;
    this.#take = take;
    this.#restarted = restarted;
  }

  /** Loads the page before the run; false when there is nothing older. Asked twice, it asks the server once. */
  older(conversation) {
    const asked = this.#paging.get(conversation);
    if (asked) return asked;
    const page = this.#older(conversation).finally(() => this.#paging.delete(conversation));
    this.#paging.set(conversation, page);
    return page;
  }

  async #older(conversation) {
    if (conversation.low <= 1) return false;
    const { rows = [], total = 0 } = await this.#page(conversation, { before: conversation.low, limit: PAGE });
    conversation.prepend(rows, total);
    return rows.length > 0 && conversation.low > 1;
  }

  /** The message `seq`, or null. */
  async one(conversation, seq) {
    const name = `${keyOf(conversation.scope, conversation.dstid)}:${seq}`;
    const held = conversation.at(seq) ?? this.#quotes.get(name);
    if (held) return held;
    const { rows = [] } = await this.#page(conversation, { before: seq + 1, limit: 1 });
    const found = rows[0]?.seq === seq ? rows[0] : null;
    if (this.#quotes.size >= QUOTES_BOUND) this.#quotes.delete(this.#quotes.keys().next().value);
    if (found) this.#quotes.set(name, found);
    return found;
  }

  /** Sees to it that the gap of a conversation, if it has one, is filled. */
  mend(conversation) {
    if (!conversation.gap || this.#mending.has(conversation)) return;
    this.#mending.add(conversation);
    this.#env.setTimeout(() => this.#mend(conversation), GAP_PATIENCE);
  }

  async #mend(conversation) {
    let wait = 0;
    try {
      while (conversation.gap) if (!(await this.#fill(conversation))) break;
    } catch {
      wait = MEND_AGAIN;
    }
    this.#mending.delete(conversation);
    if (wait && conversation.gap) this.#env.setTimeout(() => this.mend(conversation), wait);
  }

  async #fill(conversation) {
    if (conversation.head - conversation.high > GAP_BOUND) {
      conversation.restart(conversation.head);
      this.#restarted(conversation);
      return false;
    }
    const before = conversation.high;
    const { rows = [] } = await this.#page(conversation, { after: before, limit: GAP_BOUND });
    rows.forEach((row) => this.#take(row));
    return conversation.high > before;
  }

  #page({ scope, dstid }, fields) {
    return this.#rest.call("/message/history", { scope, dstid, ...fields });
  }
}

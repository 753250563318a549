// Messages that were not delivered to this page: older pages, gaps, single ones that are quoted.

import { expiryOf } from "./addresses.js";
import { keyOf } from "./codes.js";
import { endsLogin } from "./refused.js";

/** @import { Conversation } from "./conversation.js" */
/** @import { Rest } from "./rest.js" */
/** @import { Environment, Fields, Message } from "./types.js" */

export const PAGE = 50; // messages that one step back loads
export const GAP_BOUND = 200; // messages; a longer gap isn't filled: the run starts again at its end
export const GAP_DELAY = 400; // ms in which messages that overtook each other may still arrive by themselves
const LARGE_PAGE = 200; // messages of a page on the way there, the most that the server gives
const RENEWED_PAGES = 10; // pages that are read at once for new addresses
const GAP_RETRY_AFTER = 3_000; // ms until a gap is asked for again when the server refused
const QUOTES_BOUND = 200; // fetched single messages that are kept

/**
 * `take` is given each message of a gap, `stored` each message of an older page once the conversation holds it;
 * `restarted` is called when a conversation started again instead.
 * @typedef {object} HistoryOptions
 * @property {Pick<Rest, "call">} rest
 * @property {Pick<Environment, "setTimeout">} env
 * @property {(message: Message) => void} take
 * @property {(message: Message) => void} stored
 * @property {(conversation: Conversation) => void} restarted
 */

export class History {
  #rest; #env; #take; #stored; #restarted;
  /** @type {Set<Conversation>} */
  #filling = new Set();
  /** @type {Map<Conversation, Promise<boolean>>} */
  #paging = new Map();
  /** @type {Map<string, Message>} */
  #quotes = new Map();

  /** @param {HistoryOptions} options */
  constructor({ rest, env, take, stored, restarted }) {
    this.#rest = rest;
    this.#env = env;
    this.#take = take;
    this.#stored = stored;
    this.#restarted = restarted;
  }

  /**
   * Loads the page before the run; false when there is nothing older. Called twice, it asks the server once.
   * @param {Conversation} conversation
   * @param {number} [limit]
   * @returns {Promise<boolean>}
   */
  older(conversation, limit = PAGE) {
    const underWay = this.#paging.get(conversation);
    if (underWay) return underWay;
    const page = this.#older(conversation, limit).finally(() => this.#paging.delete(conversation));
    this.#paging.set(conversation, page);
    return page;
  }

  /**
   * @param {Conversation} conversation
   * @param {number} limit
   */
  async #older(conversation, limit) {
    if (conversation.low <= 1) return false;
    const { rows = [], total = 0 } = await this.#page(conversation, { before: conversation.low, limit });
    conversation.prepend(rows, total);
    rows.forEach((row) => this.#stored(row));
    return rows.length > 0 && conversation.low > 1;
  }

  /**
   * Loads the message `seq`: with all that is between if it is near what is held, else with what is around it, which
   * is then all that is held. False when it isn't there.
   * @param {Conversation} conversation
   * @param {number} seq
   */
  async reach(conversation, seq) {
    if (seq < conversation.low && conversation.low - seq <= LARGE_PAGE) await this.older(conversation, LARGE_PAGE);
    if (!conversation.at(seq)) await this.#around(conversation, seq);
    return conversation.at(seq) !== undefined;
  }

  /**
   * @param {Conversation} conversation
   * @param {number} seq
   */
  async #around(conversation, seq) {
    const { scope, dstid } = conversation;
    const { rows = [], total = 0 } = await this.#rest.call("/message/around", { scope, dstid, seq, limit: PAGE });
    if (!rows.length) return;
    conversation.jump(rows, total);
    rows.forEach((row) => this.#stored(row));
  }

  /**
   * Loads the page after what is held of a conversation that stands apart.
   * @param {Conversation} conversation
   */
  async newer(conversation) {
    const { rows = [] } = await this.#page(conversation, { after: conversation.high, limit: PAGE });
    if (!conversation.apart) return;
    conversation.extend(rows);
    rows.forEach((row) => this.#stored(row));
  }

  /**
   * Reads anew the messages whose addresses expire before `until` (ms), the newest first; true when one changed.
   * @param {Conversation} conversation
   * @param {number} until
   */
  async renew(conversation, until) {
    let old = [...conversation.messages()].filter(({ url, pic }) => expiryOf(url, pic) < until);
    let changes = false;
    for (let pages = 0; old.length && pages < RENEWED_PAGES; pages++) {
      const rows = await this.#renewed(conversation, old[old.length - 1].seq, LARGE_PAGE);
      changes = conversation.renew(rows) || changes;
      old = old.filter(({ seq }) => rows.length && seq < rows[0].seq);
    }
    return changes;
  }

  /**
   * Reads one message anew; true when its addresses changed.
   * @param {Conversation} conversation
   * @param {number} seq
   */
  async renewOne(conversation, seq) { return conversation.renew(await this.#renewed(conversation, seq, 1)); }

  /**
   * @param {Conversation} conversation
   * @param {number} last
   * @param {number} limit
   */
  async #renewed(conversation, last, limit) {
    return (await this.#page(conversation, { before: last + 1, limit })).rows ?? [];
  }

  /**
   * The message `seq`, or null.
   * @param {Conversation} conversation
   * @param {number} seq
   */
  async one(conversation, seq) {
    const name = `${keyOf(conversation.scope, conversation.dstid)}:${seq}`;
    const held = conversation.at(seq) ?? this.#quotes.get(name);
    if (held) return held;
    if (!(seq > 0 && seq <= conversation.head)) return null; // a reply may name any number
    const { rows = [] } = await this.#page(conversation, { before: seq + 1, limit: 1 });
    const found = rows[0]?.seq === seq ? rows[0] : null;
    if (found) this.#keepQuote(name, found);
    return found;
  }

  /** Single messages are fetched anew: some have lost their words. */
  forgetQuotes() { this.#quotes.clear(); }

  /**
   * @param {string} name
   * @param {Message} message
   */
  #keepQuote(name, message) {
    const [oldest = ""] = this.#quotes.keys();
    if (this.#quotes.size >= QUOTES_BOUND) this.#quotes.delete(oldest);
    this.#quotes.set(name, message);
  }

  /**
   * Fills the gap of a conversation, if it has one, after a short delay and for as often as it takes.
   * @param {Conversation} conversation
   */
  fillGap(conversation) {
    if (!conversation.gap || conversation.full || conversation.apart || this.#filling.has(conversation)) return;
    this.#filling.add(conversation);
    this.#env.setTimeout(() => this.#fillGap(conversation), GAP_DELAY);
  }

  /** @param {Conversation} conversation */
  async #fillGap(conversation) {
    let again = false;
    try {
      while (conversation.gap && !conversation.full && !conversation.apart) if (!(await this.#fetchGap(conversation))) break;
    } catch (error) {
      again = !endsLogin(error);
    }
    this.#filling.delete(conversation);
    if (again && conversation.gap) this.#env.setTimeout(() => this.fillGap(conversation), GAP_RETRY_AFTER);
  }

  /** @param {Conversation} conversation */
  async #fetchGap(conversation) {
    // While somebody reads further up, what is in view stays, however much there is to fetch.
    if (!conversation.reading && conversation.head - conversation.high > GAP_BOUND) {
      conversation.restart(conversation.head);
      this.#restarted(conversation);
      return false;
    }
    const before = conversation.high;
    const { rows = [], total = 0 } = await this.#page(conversation, { after: before, limit: GAP_BOUND });
    const [first] = rows;
    if (!first && conversation.high === before && total > before) {
      // All of it is deleted.
      conversation.restart(total);
      this.#restarted(conversation);
      return false;
    }
    if (first && conversation.high === before && first.seq > before + 1) {
      // What lies between can't be read: the user joined after it, or it is deleted.
      conversation.restart(first.seq - 1);
      this.#restarted(conversation);
    }
    rows.forEach((row) => this.#take(row));
    return conversation.high > before;
  }

  /**
   * @param {Conversation} conversation
   * @param {Fields} fields
   */
  #page({ scope, dstid }, fields) {
    return this.#rest.call("/message/history", { scope, dstid, ...fields });
  }
}

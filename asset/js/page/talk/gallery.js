// The pictures of a conversation in order: those of the messages that are held, and older ones as they are asked for.

import { MEDIA } from "../../im/index.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Conversation } from "../../im/conversation.js" */
/** @import { ShownMessage } from "../types.js" */

const PAGE = 50; // pictures that are asked for at once

export class Gallery {
  #client; #conversation; #isPicture;
  /** @type {Map<number, ShownMessage>} */
  #older = new Map();
  #before = 0;
  #ended = false;

  /**
   * @param {Pick<Client, "rest">} client
   * @param {Pick<Conversation, "scope" | "dstid" | "messages">} conversation
   * @param {(message: ShownMessage) => boolean} isPicture
   */
  constructor(client, conversation, isPicture) {
    this.#client = client;
    this.#conversation = conversation;
    this.#isPicture = isPicture;
  }

  /**
   * The picture before (-1) or after (1) that of `seq`; null where there is none. Throws what the server refuses.
   * @param {number} seq
   * @param {-1 | 1} way
   * @returns {Promise<ShownMessage | null>}
   */
  async beside(seq, way) {
    for (;;) {
      const found = this.#known(seq, way);
      if (found || way > 0 || this.#ended) return found;
      await this.#load(seq);
    }
  }

  /**
   * The nearest one that is known, on that side.
   * @param {number} seq
   * @param {-1 | 1} way
   * @returns {ShownMessage | null}
   */
  #known(seq, way) {
    const all = new Map(this.#older);
    for (const message of this.#conversation.messages()) all.set(message.seq, message);
    const beside = [...all].filter(([at, one]) => (at - seq) * way > 0 && this.#isPicture(one));
    beside.sort(([a], [b]) => (a - b) * way);
    return beside[0]?.[1] ?? null;
  }

  /**
   * A page of older ones, from the first message that is held, or from the last page on.
   * @param {number} seq
   */
  async #load(seq) {
    const { scope, dstid } = this.#conversation;
    const before = this.#before || seq;
    const { rows = [], next = 0 } = await this.#client.rest.call("/message/files", { scope, dstid, media: MEDIA.IMAGE, before, limit: PAGE });
    for (const row of rows) this.#older.set(row.seq, row);
    this.#before = next;
    this.#ended = !next || next >= before;
  }
}

// Going to a message, which may have to be loaded first.

import { Refused } from "../../im/index.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";
import { isShown } from "./bubble.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Conversation } from "../../im/conversation.js" */
/** @import { Scroll } from "./scroll.js" */

const SOON = 500; // ms after which it is said that something is being looked for
const POINTED = 1600; // ms for which the message is marked

export class Seeking {
  #client; #list; #draw; #asked = 0; #pointed = { seq: 0, until: 0 };

  /**
   * @param {Client} client
   * @param {HTMLElement} list its rows have the seq of their message
   * @param {(seq: number) => void} draw shows what is held around a message
   */
  constructor(client, list, draw) {
    this.#client = client;
    this.#list = list;
    this.#draw = draw;
  }

  /**
   * Brings a message into the middle of the window; says so when it can't be had.
   * @param {number} seq
   * @param {Conversation} conversation
   * @param {Scroll} scroll
   * @param {() => boolean} isOpen whether the conversation is still the one that is shown
   */
  async goTo(seq, conversation, scroll, isOpen) {
    const asked = ++this.#asked;
    try {
      const row = this.#rowOf(seq) ?? this.#held(seq, conversation) ?? (await this.#load(seq, conversation, scroll, isOpen));
      if (!row || asked !== this.#asked || !isOpen()) return;
      scroll.show(row);
      this.#pointed = { seq, until: Date.now() + POINTED };
      this.mark();
      setTimeout(() => this.mark(), POINTED);
    } catch (error) {
      const gone = error instanceof Refused && (error.status === 404 || error.status === 403);
      toast(gone ? t("talk.leads-nowhere") : reason(error), "bad");
    }
  }

  /** Marks the message that was gone to, for a moment: also when its row is built anew in that time. */
  mark() {
    const { seq, until } = this.#pointed;
    const row = Date.now() < until ? this.#rowOf(seq) : null;
    for (const marked of this.#list.querySelectorAll(".found")) if (marked !== row) marked.classList.remove("found");
    row?.classList.add("found");
  }

  /**
   * @param {number} seq
   * @param {Conversation} conversation
   */
  #held(seq, conversation) {
    const message = conversation.at(seq);
    if (!message || !isShown(message)) return null;
    this.#draw(seq);
    return this.#rowOf(seq);
  }

  /**
   * @param {number} seq
   * @param {Conversation} conversation
   * @param {Scroll} scroll
   * @param {() => boolean} isOpen
   */
  async #load(seq, conversation, scroll, isOpen) {
    const client = this.#client;
    const soon = setTimeout(() => toast(t("talk.seeking")), SOON);
    try {
      // Of a conversation that nothing is known of yet, the server alone knows what there is.
      const known = conversation.head > 0;
      const found = known && (await client.one(conversation, seq));
      client.reading(conversation, true); // nothing is let go on the way
      const reached = (!known || (found && isShown(found))) && (await client.reach(conversation, seq));
      if (!isOpen()) return null;
      if (conversation.apart) scroll.begin(false);
      if (reached) this.#draw(seq);
      if (!reached) toast(t("talk.leads-nowhere"), "bad");
      return this.#rowOf(seq);
    } finally {
      clearTimeout(soon);
      client.reading(conversation, isOpen() && !scroll.following);
    }
  }

  /**
   * @param {number} seq
   * @returns {HTMLElement | null}
   */
  #rowOf(seq) { return this.#list.querySelector(`[data-seq="${Number(seq)}"]`); }
}

// Addresses of files expire while a page stays open. Those of the chat that is shown are asked for anew before that, and
// the one of a picture that can't be loaded at once.

/** @import { Client } from "../../im/index.js" */
/** @import { Conversation } from "../../im/conversation.js" */

const EVERY = 20 * 60_000; // ms
const TRIED_BOUND = 500; // messages whose picture couldn't be loaded, each asked for once

export class Renewal {
  #client; #shown;
  /** @type {Set<string>} */
  #tried = new Set();

  /**
   * @param {Client} client
   * @param {Element} rows what shows the messages
   * @param {() => Conversation | null} shown the conversation that is shown
   */
  constructor(client, rows, shown) {
    this.#client = client;
    this.#shown = shown;
    rows.addEventListener("error", ({ target }) => this.#failed(target), true); // it doesn't bubble
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.renew());
    globalThis.addEventListener("focus", () => this.renew());
    setInterval(() => this.renew(), EVERY);
  }

  /** Asks anew for what expires soon. */
  renew() {
    const conversation = this.#shown();
    if (conversation) this.#client.renew(conversation);
  }

  /** @param {EventTarget | null} target */
  #failed(target) {
    const conversation = this.#shown();
    const seq = target instanceof Element ? Number(target.closest("[data-seq]")?.getAttribute("data-seq")) : 0;
    const { url, pic } = conversation?.at(seq) ?? {};
    const name = JSON.stringify([conversation?.scope, conversation?.dstid, seq, url, pic]);
    if (!conversation || !(url || pic) || this.#tried.has(name)) return;
    if (this.#tried.size >= TRIED_BOUND) this.#tried.clear();
    this.#tried.add(name);
    this.#client.renew(conversation, seq);
  }
}

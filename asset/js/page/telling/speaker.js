// Which of a user's tabs speaks for all: the one that holds a lock makes the sound and the notification of a message.

/** @import { Client } from "../../im/index.js" */

/**
 * A tab holds the lock while it is connected. When it is closed, loses its connection or crashes the browser gives the
 * lock to the next one. Without locks (plain HTTP) every tab speaks.
 */
export class Speaker {
  #name; #speaks = false; #end = () => {};

  /**
   * @param {Client} client
   * @param {number} user
   */
  constructor(client, user) {
    this.#name = `im:${user}:speaks`;
    client.on("state", (state) => (state === "online" ? this.#ask() : this.#end()));
    for (const event of /** @type {const} */ (["unauthorized", "other-user"])) client.on(event, () => this.#end());
  }

  /** Whether it is this one. */
  get speaks() { return this.#speaks || !navigator.locks; }

  #ask() {
    const giveUp = new AbortController();
    const left = new Promise((done) => { this.#end = () => { giveUp.abort(); done(null); }; });
    navigator.locks?.request(this.#name, { signal: giveUp.signal }, async () => {
      this.#speaks = true;
      await left;
      this.#speaks = false;
    }).catch(() => null);
  }
}

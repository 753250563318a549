// Whether the user of a client is still the one who is logged in with this browser. A cookie becomes another user's
// when somebody logs in in another tab, as no token can.

import { hasLeft, markLogin, mayEndLogin } from "./login-mark.js";

/** @import { Rest } from "./rest.js" */
/** @import { Environment } from "./types.js" */

/**
 * `byCookie` is false for a client that has a token: then nothing is checked and nothing is marked.
 * @typedef {object} LoginCheckOptions
 * @property {Pick<Environment, "now" | "storage" | "events">} env
 * @property {Pick<Rest, "data">} rest
 * @property {number} user
 * @property {boolean} byCookie
 */

/** Asks the server by `rest`, which tells its owner of the refusals that matter. */
export class LoginCheck {
  #env; #rest; #user; #byCookie; #running = false; #checked = -Infinity;

  /** @param {LoginCheckOptions} options */
  constructor({ env, rest, user, byCookie }) {
    this.#env = env;
    this.#rest = rest;
    this.#user = user;
    this.#byCookie = byCookie;
  }

  start() {
    this.#running = true;
    if (this.#byCookie) this.#env.events?.addEventListener?.("storage", this.#marked);
  }

  stop() {
    this.#running = false;
    this.#env.events?.removeEventListener?.("storage", this.#marked);
  }

  /** The server has just answered this user. */
  confirmed() {
    this.#checked = this.#env.now();
    if (this.#byCookie) markLogin(this.#env.storage, this.#user);
  }

  /** This user has logged out here. */
  loggedOut() { if (this.#byCookie) markLogin(this.#env.storage, this.#user, { left: true }); }

  /** Whether this user has logged out, here or in another page of this browser. */
  get hasLeft() { return this.#byCookie && hasLeft(this.#env.storage, this.#user); }

  /**
   * Asks the server if it was not asked in the last `ms`.
   * @param {number} ms
   */
  after(ms) {
    const since = Math.abs(this.#env.now() - this.#checked); // clocks are also set back
    if (this.#byCookie && since >= ms) this.#ask();
  }

  /** @param {Event} event */
  #marked = (event) => { if (mayEndLogin(/** @type {StorageEvent} */ (event), this.#user)) this.#ask(); };

  async #ask() {
    if (!this.#running) return;
    this.#checked = this.#env.now();
    await this.#rest.data("/user/find", { id: this.#user }).catch(() => null);
  }
}

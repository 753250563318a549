// A pause in sending, when the server says that this user has sent too much at once. Everything that is to be sent
// meanwhile waits, so that it keeps its order.

/** @import { Environment } from "./types.js" */

export class Pacing {
  #env; #resume;
  #until = 0;
  /** @type {number | null} */
  #timer = null;

  /**
   * `resume` is called when a pause is over.
   * @param {{ env: Pick<Environment, "now" | "setTimeout" | "clearTimeout">, resume: () => void }} options
   */
  constructor({ env, resume }) {
    this.#env = env;
    this.#resume = resume;
  }

  get paused() { return this.#timer !== null; }

  /**
   * The server refuses for `wait` ms. True when a pause begins with it, false when there was one already.
   * @param {number} wait
   */
  pause(wait) {
    const begins = !this.paused;
    const until = Math.max(this.#until, this.#env.now() + wait);
    this.stop();
    this.#until = until;
    this.#timer = this.#env.setTimeout(() => {
      this.#timer = null;
      this.#resume();
    }, until - this.#env.now());
    return begins;
  }

  /** Forgets the pause; `resume` isn't called. */
  stop() {
    this.#env.clearTimeout(this.#timer);
    this.#timer = null;
    this.#until = 0;
  }
}

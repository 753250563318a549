// Requests to the server by one user: how they are addressed, who is named in them, and what a refusal leads to.

import { Refused, endsLogin, unwrap } from "./refused.js";

/** @import { AnswerOf, Envelope, Environment, Fields } from "./types.js" */

const REQUEST_TIMEOUT = 20_000; // ms

/**
 * `base` is the server's origin ("" for the page's own). `token` is needed where the cookie isn't sent. `user` is the
 * id of the user for whom the requests are made: a cookie may be another user's by the next request, and the server
 * then refuses it. `refused` is called for each refusal that says so, or that nobody is logged in.
 * @typedef {object} RequestOptions
 * @property {string} [base]
 * @property {string | null} [token]
 * @property {number | null} [user]
 * @property {(error: Refused) => void} [refused]
 * @property {Environment["fetch"]} [fetch]
 */

/**
 * A signal of both; in a browser without them the first alone, and what is given up is then only not waited for.
 * @param {AbortSignal} first
 * @param {AbortSignal | null} second
 */
const bothOf = (first, second) => (second && AbortSignal.any?.([first, second])) || first;

export class Requests {
  #base; #token; #fetch; #user; #refused; #ending = new AbortController();
  /** @type {Refused | null} */
  #why = null;

  /** @param {RequestOptions} options */
  constructor({ base = "", token = null, user = null, refused = () => {}, fetch = (...rest) => globalThis.fetch(...rest) }) {
    this.#base = base;
    this.#token = token;
    this.#fetch = fetch;
    this.#user = user;
    this.#refused = refused;
  }

  /**
   * From now on no request is made; those under way, and all later ones, throw `why`. Uploads are aborted.
   * @param {Refused} why
   */
  end(why) {
    this.#why ??= why;
    this.#ending.abort();
  }

  /** Aborted once `end` was called. */
  get ending() { return this.#ending.signal; }

  /** Throws the reason if `end` was called. */
  throwIfEnded() { if (this.#why) throw this.#why; }

  /**
   * The body of the answer to a POST to `path` with the fields that aren't null; a GET takes none. Throws a Refused, or an AbortError when `signal`
   * gives up.
   * @template {string} Path
   * @param {Path} path
   * @param {Fields} [fields]
   * @param {"POST" | "PATCH" | "GET"} [method]
   * @param {number} [timeout] ms
   * @param {AbortSignal | null} [signal]
   * @returns {Promise<AnswerOf<Path>>}
   */
  async call(path, fields = {}, method = "POST", timeout = REQUEST_TIMEOUT, signal = null) {
    const body = new URLSearchParams();
    for (const [name, value] of Object.entries(fields)) if ((value ?? null) !== null) body.set(name, String(value));
    this.throwIfEnded();
    let response;
    try {
      response = await this.#fetch(this.address(path), {
        method, body: method === "GET" ? null : body, headers: this.headers(), credentials: this.#token ? "omit" : "same-origin",
        signal: bothOf(AbortSignal.timeout(timeout), signal),
      });
    } catch {
      signal?.throwIfAborted();
      throw new Refused("no connection");
    }
    return /** @type {AnswerOf<Path>} */ (this.opened(response.status, await response.text()));
  }

  /**
   * The body of an answer. Throws a Refused when it isn't a success, or when `end` was called.
   * @param {number} status
   * @param {string} text
   * @returns {Envelope}
   */
  opened(status, text) {
    this.throwIfEnded();
    try {
      return unwrap(status, text);
    } catch (error) {
      if (endsLogin(error)) this.#refused(error);
      throw error;
    }
  }

  /** @param {string} path */
  address(path) { return this.#base + path; }

  /** @returns {Record<string, string>} */
  headers() {
    // A request to another site is made by a token, which is no other user's, and that site may not allow this header.
    /** @type {Record<string, string>} */
    const named = this.#user && (!this.#token || this.#isOurs) ? { "Twim-User": String(this.#user) } : {};
    return this.#token ? { ...named, Authorization: `Bearer ${this.#token}` } : named;
  }

  get #isOurs() {
    const here = globalThis.location; // undefined outside of pages
    return new URL(this.#base, here?.href).origin === here?.origin;
  }
}

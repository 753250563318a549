// What the user has chosen about being told: on the server for all devices, and in this browser for this one.

import { isQuiet } from "./quiet.js";

/** @import { Rest } from "../../im/index.js" */

/** @typedef {{ words: number, quiet: string, zone: string }} Kept what the server keeps */

const KNOWN_FOR = 10 * 60_000; // ms after which another device may have changed it

export class Choices {
  #rest; #prefix;
  /** @type {Kept | null} */
  #kept = null;
  #readAt = -Infinity;

  /**
   * @param {Rest} rest
   * @param {number} user
   */
  constructor(rest, user) {
    this.#rest = rest;
    this.#prefix = `im:${user}:tell-`; // removed with everything of the user's when they log out
  }

  /** Whether this browser tells. */
  get tells() { return this.#get("here") === "1"; }
  set tells(yes) { this.#set("here", yes ? "1" : "0"); }

  get sounds() { return this.#get("sound") !== "0"; }
  set sounds(yes) { this.#set("sound", yes ? "1" : "0"); }

  /** What the server keeps. Throws a Refused. */
  async kept() {
    if (!this.#kept || Date.now() > this.#readAt + KNOWN_FOR) await this.change({});
    return /** @type {Kept} */ (this.#kept);
  }

  /** @param {Partial<Kept>} changed */
  async change(changed) {
    this.#kept = await this.#rest.data("/user/setting", changed);
    this.#readAt = Date.now();
  }

  /** Whether the user may be told now, and words be shown; what the server can't be asked is taken as not chosen. */
  async now() {
    const { words, quiet, zone } = await this.kept().catch(() => this.#kept ?? { words: 1, quiet: "", zone: "" });
    return { quiet: isQuiet(quiet, zone, new Date()), words: words === 1 };
  }

  /** @param {string} name */
  #get(name) {
    try {
      return localStorage.getItem(this.#prefix + name);
    } catch {
      return null; // a private window may refuse it
    }
  }

  /**
   * @param {string} name
   * @param {string} value
   */
  #set(name, value) {
    try {
      localStorage.setItem(this.#prefix + name, value);
    } catch {
      // It holds for nothing then; the page says what it finds.
    }
  }
}

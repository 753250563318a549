// Messages that were sent and aren't answered yet. They outlast a reload of the page, each as an entry of the storage
// of its own, so that several tabs neither lose nor overwrite each other's: when two tabs send the same message they
// send the same cid, and the server stores it once.

import { plainly } from "./addresses.js";
import { PASSING } from "./codes.js";
import { newCid } from "./cid.js";

/** @import { Entry, Environment, Outgoing } from "./types.js" */

export const OUTBOX_BOUND = 200; // messages that may wait
export const RESEND_AFTER = 15_000; // ms without an answer on an open connection
export const FRAME_BOUND = 60_000; // bytes; the server closes a connection that sends a frame over 64 KiB

export class Outbox {
  #storage; #now; #prefix;
  /** @type {Map<string, Entry>} */
  #entries = new Map();

  /**
   * `user` keeps apart what two users of one browser have not sent.
   * @param {{ env: Pick<Environment, "storage" | "now">, user: number }} options
   */
  constructor({ env, user }) {
    this.#storage = env.storage;
    this.#now = () => env.now();
    this.#prefix = `im:${user}:out:`;
    this.#load();
  }

  /** The waiting messages, oldest first. */
  get entries() { return [...this.#entries.values()]; }

  /** @param {string} cid */
  get(cid) { return this.#entries.get(cid); }

  /** The waiting messages, and those that other pages of this user keep and haven't sent. */
  all() {
    const others = this.#stored().filter(({ message }) => !this.#entries.has(message.cid));
    return [...this.entries, ...others].sort((a, b) => a.made - b.made);
  }

  /**
   * Takes a message to be sent and gives it a cid, if it hasn't one; one that waits already stays. Throws a RangeError when
   * too much waits or it is too large.
   * @param {Omit<Outgoing, "cid"> & { cid?: string }} message
   * @returns {Entry}
   */
  add({ cid = newCid(), ...message }) {
    const waits = this.#entries.get(cid);
    if (waits) return waits;
    if (this.#entries.size >= OUTBOX_BOUND) throw new RangeError("too many messages wait to be sent");
    const entry = { message: { ...message, cid }, made: this.#now(), sent: 0, error: "" };
    if (new TextEncoder().encode(JSON.stringify(entry.message)).length > FRAME_BOUND) throw new RangeError("too large");
    this.#entries.set(entry.message.cid, entry);
    this.#save(entry);
    return entry;
  }

  /** What should be sent now: all that isn't refused, and, unless `everything`, wasn't sent lately. */
  due(everything = false) {
    const longAgo = this.#now() - RESEND_AFTER;
    return this.entries.filter((entry) => !entry.error && (everything || entry.sent <= longAgo));
  }

  /** @param {Entry} entry */
  sent(entry) { entry.sent = this.#now(); }

  /**
   * The server has not taken it: it is due again.
   * @param {Entry} entry
   */
  unsent(entry) { entry.sent = 0; }

  /**
   * Removes a message that was answered or given up.
   * @param {string} cid
   */
  remove(cid) {
    const entry = this.#entries.get(cid);
    this.#entries.delete(cid);
    this.#storage.removeItem(this.#prefix + cid);
    return entry;
  }

  /**
   * The server refused; true when that is final. After a passing refusal the message is sent again.
   * @param {string} cid
   * @param {number} code
   * @param {string} [msg]
   */
  refuse(cid, code, msg) {
    const entry = this.#entries.get(cid);
    if (!entry || PASSING.has(code)) return false;
    entry.error = msg || "refused";
    this.#save(entry);
    return true;
  }

  /**
   * Makes a refused message one that waits again.
   * @param {string} cid
   */
  retry(cid) {
    const entry = this.#entries.get(cid);
    if (!entry) return null;
    Object.assign(entry, { error: "", sent: 0 });
    this.#save(entry);
    return entry;
  }

  /** @param {Entry} entry */
  #save({ message, made, error }) {
    try {
      const kept = { message: plainly(message), made, error }; // a signature may have expired when it is read again
      this.#storage.setItem(this.#prefix + message.cid, JSON.stringify(kept));
    } catch {
      // The storage is full: the message still waits in memory.
    }
  }

  #stored() {
    const found = [];
    for (let index = 0; index < this.#storage.length; index++) {
      const name = this.#storage.key(index);
      const entry = name?.startsWith(this.#prefix) ? parse(this.#storage.getItem(name)) : null;
      if (entry) found.push(entry);
    }
    return found.sort((a, b) => a.made - b.made);
  }

  #load() {
    for (const entry of this.#stored().slice(0, OUTBOX_BOUND)) this.#entries.set(entry.message.cid, entry);
  }
}

/**
 * The entry that is stored as `text`; null when that is none.
 * @param {string | null} text
 * @returns {Entry | null}
 */
function parse(text) {
  try {
    const { message, made, error } = JSON.parse(text ?? "null");
    const isEntry = typeof message?.cid === "string";
    return isEntry ? { message, made: Number(made) || 0, sent: 0, error: error || "" } : null;
  } catch {
    return null;
  }
}

// What was sent and isn't answered yet. It lasts over a reload, one entry of the storage each, so that several tabs
// neither lose nor overwrite each other's: who sends an entry twice sends the same cid, and the server stores one.

import { PASSING } from "./codes.js";
import { newCid } from "./cid.js";

export const OUTBOX_BOUND = 200; // messages that may wait
export const RESEND_AFTER = 15_000; // ms without an answer on an open connection
export const FRAME_BOUND = 60_000; // bytes; the server closes a connection that sends a frame over 64 KiB

export class Outbox {
  #env; #prefix; #entries = new Map();

  /** `user` keeps apart what two accounts of one browser have not sent. */
  constructor({ env, user }) {
    this.#env = env;
    this.#prefix = `im:${user}:out:`;
    this.#load();
  }

  /** The waiting messages, oldest first: `{message, made, sent, error}`. `error` is the refusal, or "". */
  get entries() { return [...this.#entries.values()]; }
  get(cid) { return this.#entries.get(cid); }

  /** Takes a message to be sent and gives it a cid. Throws a RangeError when too much waits or it is too large. */
  add(message) {
    if (this.#entries.size >= OUTBOX_BOUND) throw new RangeError("too many messages wait to be sent");
    const entry = { message: { ...message, cid: newCid() }, made: this.#env.now(), sent: 0, error: "" };
    if (new TextEncoder().encode(JSON.stringify(entry.message)).length > FRAME_BOUND) throw new RangeError("too large");
    this.#entries.set(entry.message.cid, entry);
    this.#save(entry);
    return entry;
  }

  /** What should be sent now: all that isn't refused, and, unless `everything`, wasn't sent lately. */
  due(everything = false) {
    const longAgo = this.#env.now() - RESEND_AFTER;
    return this.entries.filter((entry) => !entry.error && (everything || entry.sent <= longAgo));
  }

  sent(entry) { entry.sent = this.#env.now(); }

  /** Takes an answered (or abandoned) message out. */
  remove(cid) {
    const entry = this.#entries.get(cid);
    this.#entries.delete(cid);
    this.#env.storage.removeItem(this.#prefix + cid);
    return entry;
  }

  /** The server refused; true when that is final. A passing refusal stays due. */
  refuse(cid, code, msg) {
    const entry = this.#entries.get(cid);
    if (!entry || PASSING.has(code)) return false;
    entry.error = msg || "refused";
    this.#save(entry);
    return true;
  }

  retry(cid) {
    const entry = this.#entries.get(cid);
    if (!entry) return null;
    Object.assign(entry, { error: "", sent: 0 });
    this.#save(entry);
    return entry;
  }

  #save({ message, made, error }) {
    try {
      this.#env.storage.setItem(this.#prefix + message.cid, JSON.stringify({ message, made, error }));
    } catch {
      // The storage is full: the message still waits in memory.
    }
  }

  #load() {
    const found = [];
    for (let index = 0; index < this.#env.storage.length; index++) {
      const name = this.#env.storage.key(index);
      if (name?.startsWith(this.#prefix)) found.push(parse(this.#env.storage.getItem(name)));
    }
    found.filter(Boolean).sort((a, b) => a.made - b.made).slice(0, OUTBOX_BOUND)
      .forEach((entry) => this.#entries.set(entry.message.cid, { ...entry, sent: 0 }));
  }
}

function parse(text) {
  try {
    const { message, made, error } = JSON.parse(text);
    return typeof message?.cid === "string" ? { message, made: Number(made) || 0, error: error || "" } : null;
  } catch {
    return null;
  }
}

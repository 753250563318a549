/** @import { Draft, Environment } from "./types.js" */

const DRAFTS_BOUND = 100; // conversations with a draft; the oldest draft is removed first

/**
 * Half-written messages, by conversation (`"10:3"`), which outlast a reload of the page. What belongs to a message
 * besides its text is kept with it.
 */
export class Drafts {
  #storage; #name; #text = "";
  /** @type {Record<string, Draft | string>} what `#text`, read last, says */
  #drafts = {};
  /** @type {Map<string, Draft>} */
  #unstored = new Map();

  /** @param {{ env: Pick<Environment, "storage">, user: number }} options */
  constructor({ env, user }) {
    this.#storage = env.storage;
    this.#name = `im:${user}:drafts`;
  }

  /** How many conversations have a draft. */
  get size() { return new Set([...Object.keys(this.#read()), ...this.#unstored.keys()]).size; }

  /**
   * The text of a draft; "" when there is none.
   * @param {string} key
   */
  get(key) { return this.of(key).text; }

  /**
   * @param {string} key
   * @param {string} text
   */
  set(key, text) { this.change(key, { text }); }

  /**
   * All of a draft.
   * @param {string} key
   * @returns {Draft}
   */
  of(key) {
    const kept = this.#unstored.get(key) ?? this.#read()[key];
    const draft = typeof kept === "string" ? { text: kept } : kept;
    return draft && typeof draft.text === "string" ? draft : { text: "" };
  }

  /**
   * Changes the given parts of a draft. One that has neither a text nor an `about` then is removed.
   * @param {string} key
   * @param {Partial<Draft>} parts
   */
  change(key, parts) {
    const before = this.of(key);
    const draft = { text: "", ...partsOf({ ...before, ...parts }) };
    if (JSON.stringify(draft) === JSON.stringify(before)) return;
    const { [key]: _, ...drafts } = this.#read(); // read each time: another tab may have written
    if (draft.text || draft.about) drafts[key] = draft.about || draft.mentions ? draft : draft.text;
    this.#unstored.delete(key);
    try {
      const kept = Object.entries(drafts).slice(-DRAFTS_BOUND);
      this.#storage.setItem(this.#name, JSON.stringify(Object.fromEntries(kept)));
    } catch {
      // A full storage, or a text larger than all of it, costs the draft after a reload, nothing else.
      if (drafts[key]) this.#unstored.set(key, draft);
    }
  }

  /**
   * The stored drafts, the newest last. One that is a text only is stored as that text.
   * @returns {Record<string, Draft | string>}
   */
  #read() {
    try {
      const text = this.#storage.getItem(this.#name) ?? "";
      if (text === this.#text) return this.#drafts; // a list of conversations asks for each of its rows
      this.#text = text;
      this.#drafts = JSON.parse(text || "null") ?? {};
    } catch {
      this.#drafts = {};
    }
    return this.#drafts;
  }
}

/**
 * The parts of a draft that say something.
 * @param {Partial<Draft>} draft
 * @returns {Partial<Draft>}
 */
function partsOf({ text, about, mentions }) {
  return { ...(text && { text }), ...(about && { about }), ...(mentions?.length && { mentions }) };
}

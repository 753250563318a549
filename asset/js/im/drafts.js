const DRAFTS_BOUND = 100; // conversations with a draft; the oldest goes first
const DRAFT_BOUND = 8000; // characters, the bound of a message

/** Half-written messages, by conversation, kept over a reload. */
export class Drafts {
  #env; #name;

  constructor({ env, user }) {
    this.#env = env;
    this.#name = `im:${user}:drafts`;
  }

  get(key) {
    const text = this.#read()[key];
    return typeof text === "string" ? text : "";
  }

  set(key, text) {
    const { [key]: old, ...drafts } = this.#read(); // read each time: another tab may have written
    if ((old ?? "") === text) return;
    if (text) drafts[key] = text.slice(0, DRAFT_BOUND);
    try {
      const kept = Object.entries(drafts).slice(-DRAFTS_BOUND);
      this.#env.storage.setItem(this.#name, JSON.stringify(Object.fromEntries(kept)));
    } catch {
      // A full storage costs the draft after a reload, nothing else.
    }
  }

  #read() {
    try {
      return JSON.parse(this.#env.storage.getItem(this.#name)) ?? {};
    } catch {
      return {};
    }
  }
}

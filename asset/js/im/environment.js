// What the client needs of its platform. A test passes an environment of its own.

/** @import { Environment, Store } from "./types.js" */

const MEMORY_BOUND = 1000; // entries of the storage that is used when the browser refuses its own

/**
 * A Storage that lasts as long as the page: private windows may refuse localStorage.
 * @implements {Store}
 */
export class MemoryStorage {
  /** @type {Map<string, string>} */
  #items = new Map();

  get length() { return this.#items.size; }

  /** @param {number} index */
  key(index) { return [...this.#items.keys()][index] ?? null; }

  /** @param {string} name */
  getItem(name) { return this.#items.get(name) ?? null; }

  /**
   * @param {string} name
   * @param {string} value
   */
  setItem(name, value) {
    if (this.#items.size >= MEMORY_BOUND && !this.#items.has(name)) throw new Error("storage is full");
    this.#items.set(name, String(value));
  }

  /** @param {string} name */
  removeItem(name) { this.#items.delete(name); }
}

/**
 * The storage as the client of one user writes into it: not any more once it is closed.
 * @implements {Store}
 */
export class UserStorage {
  #storage; #prefix; #open = true;

  /**
   * @param {Store} storage
   * @param {string} prefix with which the names of all of this user's entries begin
   */
  constructor(storage, prefix) {
    this.#storage = storage;
    this.#prefix = prefix;
  }

  get length() { return this.#storage.length; }

  /** @param {number} index */
  key(index) { return this.#storage.key(index); }

  /** @param {string} name */
  getItem(name) { return this.#storage.getItem(name); }

  /**
   * @param {string} name
   * @param {string} value
   */
  setItem(name, value) { if (this.#open) this.#storage.setItem(name, value); }

  /** @param {string} name */
  removeItem(name) { if (this.#open) this.#storage.removeItem(name); }

  /** From now on nothing is written and nothing is removed. */
  close() { this.#open = false; }

  /** Removes all entries of this user, and closes. */
  clear() {
    this.close();
    const names = Array.from({ length: this.#storage.length }, (_, index) => this.#storage.key(index));
    for (const name of names) if (name?.startsWith(this.#prefix)) this.#storage.removeItem(name);
  }
}

/**
 * Throws an Error that says what has to be given.
 * @param {Environment} env
 * @param {string} base
 */
export function checkPlatform(env, base) {
  if (typeof env.WebSocket !== "function") {
    throw new Error("there is no WebSocket here: give one, as in new Client({ WebSocket, … }) with that of the package ws");
  }
  if (!base && !globalThis.location) throw new Error("base: the address of the server, as in https://chat.example");
}

/** @returns {Store} */
function browserStorage() {
  try {
    globalThis.localStorage.getItem("im");
    return globalThis.localStorage;
  } catch {
    return new MemoryStorage();
  }
}

/**
 * What the platform has: a browser's page, or Node.js, where a `WebSocket` may be given.
 * @param {{ WebSocket?: Environment["WebSocket"] }} [given]
 * @returns {Environment}
 */
export function browserEnvironment({ WebSocket = globalThis.WebSocket } = {}) {
  return {
    now: () => Date.now(),
    setTimeout: (call, ms) => globalThis.setTimeout(call, ms),
    clearTimeout: (timer) => globalThis.clearTimeout(timer ?? undefined),
    random: () => Math.random(),
    WebSocket,
    fetch: (...rest) => globalThis.fetch(...rest),
    storage: browserStorage(),
    events: globalThis,
  };
}

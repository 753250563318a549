// What the client needs of the world, so that a test can hand in its own: clock, sockets, storage, randomness.

const MEMORY_BOUND = 1000; // entries of the storage that stands in when the browser refuses its own

/** A Storage that lasts as long as the page: private windows may refuse localStorage. */
class MemoryStorage {
  #items = new Map();
  get length() { return this.#items.size; }
  key(index) { return [...this.#items.keys()][index] ?? null; }
  getItem(name) { return this.#items.get(name) ?? null; }
  setItem(name, value) {
    if (this.#items.size >= MEMORY_BOUND && !this.#items.has(name)) throw new Error("storage is full");
    this.#items.set(name, String(value));
  }
  removeItem(name) { this.#items.delete(name); }
}

function browserStorage() {
  try {
    globalThis.localStorage.getItem("im");
    return globalThis.localStorage;
  } catch {
    return new MemoryStorage();
  }
}

export function browserEnvironment() {
  return {
    now: () => Date.now(),
    setTimeout: (call, ms) => globalThis.setTimeout(call, ms),
    clearTimeout: (timer) => globalThis.clearTimeout(timer),
    random: () => Math.random(),
    WebSocket: globalThis.WebSocket,
    fetch: (...rest) => globalThis.fetch(...rest),
    storage: browserStorage(),
    events: globalThis, // where "online" comes from
  };
}

export { MemoryStorage };

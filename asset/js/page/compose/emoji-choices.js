// What somebody chose of the emoji in this browser: those used last, and the skin tone. Logging out removes it.

export const RECENT = 24; // emoji that are remembered
const LONGEST = 32; // code units of one

export class EmojiChoices {
  #name; #store;

  /**
   * @param {number} user
   * @param {Pick<Storage, "getItem" | "setItem">} [store]
   */
  constructor(user, store = globalThis.localStorage) {
    this.#name = `im:${user}:emoji`;
    this.#store = store;
  }

  /** The emoji used last, the newest first. */
  get recent() { return this.#read().recent; }

  /** From 1 to 5, 0 for none. */
  get tone() { return this.#read().tone; }

  set tone(tone) { this.#write({ ...this.#read(), tone }); }

  /** @param {string} emoji */
  use(emoji) {
    const { recent, tone } = this.#read();
    this.#write({ recent: [emoji, ...recent.filter((other) => other !== emoji)].slice(0, RECENT), tone });
  }

  /** @returns {{ recent: string[], tone: number }} */
  #read() {
    try {
      const { recent = [], tone = 0 } = JSON.parse(this.#store.getItem(this.#name) ?? "{}"); // a storage may hold anything
      /** @param {unknown} one */
      const isOne = (one) => typeof one === "string" && one.length <= LONGEST;
      return { recent: recent.filter(isOne).slice(0, RECENT), tone: [1, 2, 3, 4, 5].includes(tone) ? tone : 0 };
    } catch {
      return { recent: [], tone: 0 };
    }
  }

  /** @param {{ recent: string[], tone: number }} choices */
  #write(choices) {
    try {
      this.#store.setItem(this.#name, JSON.stringify(choices));
    } catch {
      // The storage is full or refused: nothing is remembered.
    }
  }
}

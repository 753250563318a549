// What somebody chose of the emoji in this browser: those used last, and the skin tone. Logging out removes it.

export const RECENT = 24; // emoji that are remembered
const LONGEST = 32; // code units of one

export class EmojiChoices {
  #name; #store;

  /**
   * @param {number} user
   * @param {Pick<Storage, "getItem" | "setItem"> | null} [store] the browser's where none is given
   */
  constructor(user, store = null) {
    this.#name = `im:${user}:emoji`;
    this.#store = store;
  }

  /** The emoji used last, the newest first. */
  get recent() { return this.#read().recent; }

  /** From 1 to 5, 0 for none. */
  get tone() { return this.#read().tone; }

  set tone(tone) { this.#write({ ...this.#read(), tone }); }

  /** Asked each time: a browser may refuse it by throwing. */
  get #storage() { return this.#store ?? globalThis.localStorage; }

  /** @param {string} emoji */
  use(emoji) {
    const { recent, tone } = this.#read();
    this.#write({ recent: [emoji, ...recent.filter((other) => other !== emoji)].slice(0, RECENT), tone });
  }

  /** @returns {{ recent: string[], tone: number }} */
  #read() {
    try {
      const { recent = [], tone = 0 } = JSON.parse(this.#storage.getItem(this.#name) ?? "{}"); // a storage may hold anything
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
      this.#storage.setItem(this.#name, JSON.stringify(choices));
    } catch {
      // The storage is full or refused: nothing is remembered.
    }
  }
}

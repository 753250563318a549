// What was shared in a conversation, page by page, the newest first.

/** @import { Message } from "../../im/types.js" */
/** @typedef {(before: number) => Promise<{ rows: Message[], next: number }>} Load a page before a place; 0 for the newest */

/**
 * A part of what was shared: `page` gives the next messages, and `ended` says whether there are more.
 * @typedef {{ page: () => Promise<Message[]>, readonly ended: boolean }} Source
 */

const EMPTY_PAGES = 10; // pages with nothing wanted that are read one after the other

/** @implements {Source} */
export class Pages {
  #load; #wanted; #next = 0; #begun = false;

  /**
   * @param {Load} load
   * @param {(message: Message) => boolean} [wanted]
   */
  constructor(load, wanted = () => true) {
    this.#load = load;
    this.#wanted = wanted;
  }

  get ended() { return this.#begun && !this.#next; }

  /** The next messages; none also where there are more, after many pages without one. */
  async page() {
    for (let pages = 0; pages < EMPTY_PAGES && !this.ended; pages++) {
      const { rows, next } = await this.#load(this.#next);
      this.#next = next;
      this.#begun = true;
      const wanted = rows.filter(this.#wanted);
      if (wanted.length) return wanted;
    }
    return [];
  }
}

/**
 * Two sources as one, in the order of the messages.
 * @implements {Source}
 */
export class Merged {
  #sources;

  /** @param {[Source, Source]} sources */
  constructor(sources) {
    this.#sources = sources.map((source) => ({ source, waiting: /** @type {Message[]} */ ([]) }));
  }

  get ended() { return this.#sources.every(({ source, waiting }) => source.ended && !waiting.length); }

  async page() {
    await Promise.all(this.#sources.map(async (one) => {
      if (!one.waiting.length && !one.source.ended) one.waiting = await one.source.page();
    }));
    /** @type {Message[]} */
    const found = [];
    // Where a source has more that isn't read, nothing older than what it has given may come yet.
    while (this.#sources.every(({ source, waiting }) => waiting.length || source.ended)) {
      const [next] = this.#sources.filter(({ waiting }) => waiting.length).sort((a, b) => b.waiting[0].seq - a.waiting[0].seq);
      if (!next) break;
      found.push(...next.waiting.splice(0, 1));
    }
    return found;
  }
}

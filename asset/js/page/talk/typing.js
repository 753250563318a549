import { isolated } from "../strangers.js";
import { t } from "../words.js";

/** @import { People } from "../people.js" */

const SHOWN_FOR = 5_000; // ms after the last typing frame

/** Who is typing in the open conversation; `changed` is called with the words, or "". */
export class Typing {
  #people; #changed;
  /** @type {Map<number, ReturnType<typeof setTimeout>>} */
  #typists = new Map();

  /**
   * @param {People} people
   * @param {(words: string) => void} changed
   */
  constructor(people, changed) {
    this.#people = people;
    this.#changed = changed;
  }

  /** @param {number} userid */
  seen(userid) {
    clearTimeout(this.#typists.get(userid));
    this.#typists.set(userid, setTimeout(() => this.done(userid), SHOWN_FOR));
    this.#show();
  }

  /**
   * Their message has come, or they stopped.
   * @param {number} userid
   */
  done(userid) {
    clearTimeout(this.#typists.get(userid));
    if (this.#typists.delete(userid)) this.#show();
  }

  clear() { for (const id of [...this.#typists.keys()]) this.done(id); }

  #show() {
    const names = [...this.#typists.keys()].slice(0, 3).map((id) => isolated(this.#people.name(id)));
    this.#changed(names.length ? t("talk.typing", { who: names.join(", ") }) : "");
  }
}

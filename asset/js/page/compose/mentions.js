// "@" in a group: a list of its members to choose from, and who was meant when the message goes.

import { CMD } from "../../im/index.js";
import { userAvatar } from "../avatar.js";
import { t } from "../words.js";
import { Suggestions } from "./suggestions.js";

/** @import { People } from "../people.js" */
/** @import { Address, Person } from "../types.js" */
/** @typedef {[name: string, id: number]} Chosen somebody whom the writer chose, by the name in the text */

const SHOWN = 8; // members the list shows at once
const EVERYONE = 0; // the id that means all members

export class Mentions {
  #input; #people; #list; #at = -1;
  /** @type {number | null} */
  #group = null;
  /** @type {Person[]} */
  #members = [];
  /** @type {Map<string, number>} */
  #chosen = new Map();

  /**
   * @param {HTMLTextAreaElement} input
   * @param {People} people
   */
  constructor(input, people) {
    this.#input = input;
    this.#people = people;
    this.#list = new Suggestions(t("compose.mention"));
    this.element = this.#list.element;
  }

  /**
   * Whom the draft means that is being written.
   * @returns {Chosen[]}
   */
  get chosen() { return [...this.#chosen]; }

  /**
   * @param {Address} conversation
   * @param {Chosen[]} [chosen]
   */
  open(conversation, chosen = []) {
    this.#group = conversation.scope === CMD.GROUP ? conversation.dstid : null;
    this.#members = [];
    this.#chosen = new Map(chosen);
    this.close();
  }

  close() {
    this.#list.close();
    this.#at = -1;
  }

  /**
   * The ids that a text mentions: chosen from the list, or `before` in an edited text, and their name still in it.
   * @param {string} text
   * @param {number[]} [before]
   */
  of(text, before = []) {
    const named = new Map([...before.map((id) => /** @type {Chosen} */ ([this.#nameOf(id), id])), ...this.#chosen]);
    return [...named].filter(([name]) => text.includes(`@${name}`)).map(([, id]) => id);
  }

  /**
   * The name as it stands in a text: a mention ends at the first space.
   * @param {number} id
   */
  #nameOf(id) {
    return (id === EVERYONE ? t("compose.everyone") : this.#people.name(id)).replace(/\s+/gu, "_");
  }

  /** Looks whether an "@…" stands before the cursor. */
  async look() {
    const before = this.#input.value.slice(0, this.#input.selectionStart);
    const group = this.#group;
    const match = group ? /(?:^|\s)@([^\s@]{0,20})$/u.exec(before) : null;
    if (!group || !match) return this.close();
    this.#at = before.length - match[1].length - 1;
    const members = this.#members.length ? this.#members : await this.#people.members(group);
    if (group !== this.#group) return undefined; // another chat was opened meanwhile
    this.#members = members;
    return this.#at < 0 ? undefined : this.#show(match[1].toLowerCase());
  }

  /**
   * True when the key was for the list.
   * @param {KeyboardEvent} event
   */
  key(event) { return this.#list.key(event); }

  /** @param {string} typed */
  #show(typed) {
    const all = { id: EVERYONE, nickname: t("compose.everyone"), avatar: "" };
    const others = this.#members.filter((user) => user.id !== this.#people.me.id);
    const found = [all, ...others].filter((user) => user.nickname.toLowerCase().includes(typed)).slice(0, SHOWN);
    this.#list.show(found.map((user) => ({
      face: [user.id ? userAvatar(user, "small") : null, user.nickname], choose: () => this.#choose(user) })));
  }

  /** @param {{ id: number }} user */
  #choose(user) {
    const name = this.#nameOf(user.id);
    this.#chosen.set(name, user.id);
    this.#input.setRangeText(`@${name} `, this.#at, this.#input.selectionStart, "end");
    this.close();
    this.#input.focus();
    this.#input.dispatchEvent(new Event("input"));
  }
}

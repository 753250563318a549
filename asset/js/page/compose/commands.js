// "/" at the beginning of a text: a list of what the bots of the chat understand.

import { userAvatar } from "../avatar.js";
import { h } from "../element.js";
import { apart } from "../strangers.js";
import { t } from "../words.js";
import { Suggestions } from "./suggestions.js";

/** @import { Rest } from "../../im/index.js" */
/** @import { BotCommand } from "../../im/types.js" */
/** @import { People } from "../people.js" */
/** @import { Address } from "../types.js" */

const SHOWN = 50; // commands that the list has at once; it scrolls

export class Commands {
  #input; #rest; #people; #list;
  /** @type {Address | null} */
  #conversation = null;
  /** @type {Promise<BotCommand[]> | null} */
  #asked = null;

  /**
   * @param {HTMLTextAreaElement} input
   * @param {Rest} rest
   * @param {People} people
   */
  constructor(input, rest, people) {
    this.#input = input;
    this.#rest = rest;
    this.#people = people;
    this.#list = new Suggestions(t("compose.commands"));
    this.element = this.#list.element;
  }

  /** @param {Address} conversation */
  open(conversation) {
    this.#conversation = conversation;
    this.#asked = null;
    this.close();
  }

  close() { this.#list.close(); }

  /**
   * True when the key was for the list.
   * @param {KeyboardEvent} event
   */
  key(event) { return this.#list.key(event); }

  /** Looks whether the beginning of a command is being written. */
  async look() {
    const conversation = this.#conversation;
    if (!conversation || this.#typed() === null) return this.close();
    this.#asked ??= this.#ask(conversation);
    const commands = await this.#asked;
    const typed = this.#typed();
    if (conversation !== this.#conversation || typed === null) return undefined; // it was written on meanwhile
    const found = commands.filter(({ word }) => word.startsWith(typed) && word !== typed).slice(0, SHOWN);
    return this.#list.show(found.map((command) => ({ face: this.#face(command), choose: () => this.#choose(command) })));
  }

  /** What stands between the slash and the cursor; null where that begins no command. */
  #typed() {
    const before = this.#input.value.slice(0, this.#input.selectionStart);
    return /^\/(\S{0,32})$/u.exec(before)?.[1].toLowerCase() ?? null;
  }

  /** @param {Address} conversation */
  async #ask({ scope, dstid }) {
    try {
      return await this.#rest.rows("/contact/commands", { scope, dstid });
    } catch {
      this.#asked = null; // asked again with the next character
      return [];
    }
  }

  /** @param {BotCommand} command */
  #face({ word, help, userid }) {
    const bot = this.#people.user(userid);
    const words = h("span.suggestion-words", {}, h("b", {}, apart(`/${word}`)), h("small", {}, apart(help || bot.nickname)));
    return [userAvatar(bot, "small"), words];
  }

  /** @param {BotCommand} command */
  #choose({ word }) {
    this.#input.setRangeText(`/${word} `, 0, this.#input.selectionStart, "end");
    this.close();
    this.#input.focus();
    this.#input.dispatchEvent(new Event("input"));
  }
}

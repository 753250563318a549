// What was chosen, pasted, dropped or recorded for a chat and waits to be looked at before it is sent: put into another
// order, given words, taken out.

import { h } from "../element.js";
import { toast } from "../toast.js";
import { t } from "../words.js";
import { isLarge } from "./shrink.js";
import { trayItem } from "./tray-item.js";

/** @import { Address } from "../types.js" */
/** @import { Entry } from "./tray-item.js" */
/** @typedef {{ file: File, seconds: number, caption: string, original: boolean }} Taken as it is to be sent */

const MOST = 50; // files that wait in one chat

/** @param {Address} conversation */
const keyOf = ({ scope, dstid }) => `${scope}:${dstid}`;

export class Tray {
  #changed; #submit; #key = ""; #list; #original; #choice;
  /** @type {Entry | null} */
  #dragged = null;
  /** @type {Map<string, Entry[]>} */
  #waiting = new Map();

  /**
   * `changed()` is called when the tray of the open chat has changed, `submit()` where Enter sends it.
   * @param {{ changed: () => void, submit: () => void }} calls
   */
  constructor({ changed, submit }) {
    this.#changed = changed;
    this.#submit = submit;
    this.#list = h("ul.tray", { "aria-label": t("tray.waiting") });
    this.#original = h("input", { type: "checkbox", role: "switch" });
    this.#choice = h("label.tray-original", { hidden: true }, this.#original, h("span", {}, t("tray.original")));
    this.element = h("div.tray-box", { hidden: true }, this.#list, this.#choice);
  }

  /** How many wait in all chats. */
  get count() { return [...this.#waiting.values()].flat().length; }

  get filled() { return this.#list.childElementCount > 0; }

  /**
   * Shows what waits in `conversation`.
   * @param {Address} conversation
   */
  open(conversation) {
    this.#key = keyOf(conversation);
    this.#show();
  }

  /**
   * Adds a file after those that wait; `seconds` where it is a recording.
   * @param {Address} conversation
   * @param {File} file
   * @param {number} [seconds]
   */
  add(conversation, file, seconds = 0) {
    const key = keyOf(conversation);
    const waiting = this.#waiting.get(key) ?? [];
    if (waiting.length >= MOST) return toast(t("tray.full", { most: MOST }), "bad");
    const entry = trayItem({ file, seconds }, {
      remove: () => this.#remove(key, entry),
      move: (by) => this.#move(key, entry, by),
      drag: () => { this.#dragged = entry; },
      dragged: () => this.#dropBefore(key, entry),
      submit: this.#submit,
    });
    this.#waiting.set(key, [...waiting, entry]);
    return this.#show();
  }

  /**
   * Takes out all that waits in the open chat, in its order.
   * @returns {Taken[]}
   */
  take() {
    const taken = this.#waiting.get(this.#key) ?? [];
    const original = this.#original.checked;
    this.#waiting.delete(this.#key);
    taken.forEach((entry) => entry.letGo());
    this.#show();
    this.#original.checked = false;
    return taken.map(({ file, seconds, caption }) => ({ file, seconds, caption: caption?.value ?? "", original }));
  }

  /**
   * @param {string} key
   * @param {Entry} entry
   */
  #remove(key, entry) {
    const left = (this.#waiting.get(key) ?? []).filter((other) => other !== entry);
    if (left.length) this.#waiting.set(key, left);
    else this.#waiting.delete(key);
    entry.letGo();
    this.#show();
  }

  /**
   * Moves an entry `by` places. The button that was pressed keeps the focus.
   * @param {string} key
   * @param {Entry} entry
   * @param {number} by
   */
  #move(key, entry, by) {
    const line = this.#waiting.get(key) ?? [];
    const focused = document.activeElement;
    this.#place(key, entry, line.indexOf(entry) + by);
    if (!(focused instanceof HTMLElement)) return;
    focused.focus();
    const left = focused.matches(":disabled") ? entry.element.querySelector(".tray-move:not(:disabled)") : null;
    if (left instanceof HTMLElement) left.focus();
  }

  /**
   * @param {string} key
   * @param {Entry} entry the one over which another is dragged
   */
  #dropBefore(key, entry) {
    const line = this.#waiting.get(key) ?? [];
    if (this.#dragged && this.#dragged !== entry && line.includes(this.#dragged)) this.#place(key, this.#dragged, line.indexOf(entry));
  }

  /**
   * @param {string} key
   * @param {Entry} entry
   * @param {number} at
   */
  #place(key, entry, at) {
    const line = this.#waiting.get(key) ?? [];
    if (at < 0 || at >= line.length) return;
    const others = line.filter((other) => other !== entry);
    this.#waiting.set(key, [...others.slice(0, at), entry, ...others.slice(at)]);
    this.#show();
  }

  #show() {
    const waiting = this.#waiting.get(this.#key) ?? [];
    this.#list.replaceChildren(...waiting.map(({ element }) => element));
    waiting.forEach((entry, at) => entry.stands(at, waiting.length));
    this.element.hidden = !waiting.length;
    this.#choice.hidden = !waiting.some(({ file }) => isLarge(file));
    this.#changed();
  }
}

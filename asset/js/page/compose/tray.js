// What was chosen, pasted, dropped or recorded for a chat and waits to be looked at before it is sent.

import { iconButton } from "../button.js";
import { endingOf, fileName } from "../characters.js";
import { h } from "../element.js";
import { icon } from "../icon.js";
import { duration } from "../moment.js";
import { toast } from "../toast.js";
import { t } from "../words.js";
import { sizeOf } from "./sizes.js";

/** @import { Address } from "../types.js" */
/** @typedef {{ file: File, seconds: number }} Waiting a file; `seconds` is 0 but of a recording */
/** @typedef {Waiting & { element: HTMLElement, letGo: () => void }} Entry as it is shown */

const MOST = 50; // files that wait in one chat
const NAME_BOUND = 200; // characters of a name

/** @param {Address} conversation */
const keyOf = ({ scope, dstid }) => `${scope}:${dstid}`;

export class Tray {
  #changed; #key = "";
  /** @type {Map<string, Entry[]>} */
  #waiting = new Map();

  /**
   * `changed()` is called when the tray of the open chat has changed.
   * @param {() => void} changed
   */
  constructor(changed) {
    this.#changed = changed;
    this.element = h("ul.tray", { hidden: true, "aria-label": t("tray.waiting") });
  }

  /** How many wait in all chats. */
  get count() { return [...this.#waiting.values()].flat().length; }

  get filled() { return this.element.childElementCount > 0; }

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
    const face = faceOf({ file, seconds });
    const element = item({ file, seconds }, face.element, () => this.#remove(key, entry));
    /** @type {Entry} */
    const entry = { file, seconds, element, letGo: face.letGo };
    this.#waiting.set(key, [...waiting, entry]);
    return this.#show();
  }

  /**
   * Takes out all that waits in the open chat, in its order.
   * @returns {Waiting[]}
   */
  take() {
    const taken = this.#waiting.get(this.#key) ?? [];
    this.#waiting.delete(this.#key);
    taken.forEach((entry) => entry.letGo());
    this.#show();
    return taken;
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

  #show() {
    const waiting = this.#waiting.get(this.#key) ?? [];
    this.element.replaceChildren(...waiting.map(({ element }) => element));
    this.element.hidden = !waiting.length;
    this.#changed();
  }
}

/**
 * @param {Waiting} waiting
 * @param {Element} face
 * @param {() => void} remove
 */
function item({ file, seconds }, face, remove) {
  const name = seconds ? t("media.voice") : fileName(file.name, NAME_BOUND);
  const ending = seconds ? "" : endingOf(name);
  const stem = name.slice(0, name.length - ending.length);
  return h("li.tray-item", { title: name }, face,
    h("span.tray-words", {}, h("bdi", {}, h("span", {}, stem), ending), h("small", {}, seconds ? duration(seconds) : sizeOf(file.size))),
    iconButton("close", t("tray.remove", { name }), remove));
}

/**
 * What is seen of a file; `letGo()` frees what it takes.
 * @param {Waiting} waiting
 * @returns {{ element: Element, letGo: () => void }}
 */
function faceOf({ file, seconds }) {
  const plain = () => h("span.tray-face", {}, icon(seconds ? "mic" : "file"));
  if (!/^image\//.test(file.type)) return { element: plain(), letGo: () => {} };
  const address = URL.createObjectURL(file);
  const element = h("img.tray-face", { src: address, alt: "" });
  element.addEventListener("error", () => element.replaceWith(plain()), { once: true });
  return { element, letGo: () => URL.revokeObjectURL(address) };
}

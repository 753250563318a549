import { h } from "./element.js";
import { guarded } from "./guarded.js";
import { t } from "./words.js";

/**
 * A child of the list: `build()` makes its element, again whenever `look` changes, and `plain` is the text to show where
 * that fails.
 * @typedef {object} Row
 * @property {string | number} key
 * @property {string} look
 * @property {() => Element} build
 * @property {string} [plain]
 */

/** @typedef {{ look: string, element: Element }} Shown */

/**
 * Children of an element that are built only when they look different: what stays the same stays the same element, and
 * with it a focus, a half-made click, a playing voice.
 */
export class KeyedList {
  #element;
  /** @type {Map<string | number, Shown>} */
  #shown = new Map();

  /** @param {Element} element */
  constructor(element) { this.#element = element; }

  /**
   * Shows `rows` in their order. One that can't be built says so and shows its plain text, and the others are shown as ever.
   * @param {Row[]} rows
   */
  show(rows) {
    /** @type {Map<string | number, Shown>} */
    const next = new Map();
    for (const { key, look, build, plain } of rows) {
      const own = unused(key, next);
      const old = this.#shown.get(own);
      next.set(own, old?.look === look ? old : { look, element: guarded(build, () => undrawn(plain)) });
    }
    for (const [key, { element }] of this.#shown) if (next.get(key)?.element !== element) element.remove();
    let at = this.#element.firstElementChild;
    for (const { element } of next.values()) {
      if (element === at) at = at.nextElementSibling;
      else this.#element.insertBefore(element, at);
    }
    this.#shown = next;
  }
}

/**
 * `key`, or one like it: of two children with one key the first would be lost.
 * @param {string | number} key
 * @param {Map<string | number, Shown>} taken
 */
function unused(key, taken) {
  let own = key;
  for (let count = 2; taken.has(own); count++) own = `${key} (${count})`;
  return own;
}

const undrawn = (plain = "") => h("li.undrawn", {}, h("b", {}, t("row.undrawn")), h("span", {}, String(plain)));

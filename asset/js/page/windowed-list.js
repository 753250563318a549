// A list of any length of which only the rows near the view are in the page. It is one stop of the Tab key.

import { KeyedList } from "./keyed-list.js";
import { gaps, rowsInPage } from "./row-window.js";
import { isPlain, wayOf } from "./tab-stop.js";

/** @import { Row } from "./keyed-list.js" */

const HEIGHT = 64; // pixels of a row, until one was measured
const PRESSED = ".row"; // what of a row has the focus

/** @template Item */
export class WindowedList {
  #element; #rows; #keyOf; #rowOf; #height = 0;
  /** @type {Item[]} */
  #items = [];
  /** @type {(string | number)[]} the keys of the rows that are in the page */
  #shown = [];
  /** @type {string | number | null} of the row that Tab leads to */
  #stop = null;

  /**
   * @param {HTMLElement} element
   * @param {{ keyOf: (item: Item) => string | number, rowOf: (item: Item) => Row }} parts
   */
  constructor(element, { keyOf, rowOf }) {
    this.#element = element;
    this.#rows = new KeyedList(element);
    this.#keyOf = keyOf;
    this.#rowOf = rowOf;
    document.addEventListener("scroll", ({ target }) => this.#around(target) && this.#draw(), { capture: true, passive: true });
    globalThis.addEventListener("resize", () => { this.#height = 0; if (this.#items.length) this.#draw(); });
    element.addEventListener("focusin", ({ target }) => { this.#stop = this.#keyAt(target) ?? this.#stop; this.#mark(); });
    element.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /**
   * Shows `items` in their order, or `instead` where there are none.
   * @param {Item[]} items
   * @param {Row} instead
   */
  show(items, instead) {
    this.#items = items;
    if (items.length) return this.#draw();
    this.#element.style.padding = "";
    this.#shown = [];
    return this.#rows.show([instead]);
  }

  /** @param {EventTarget | null} target */
  #around(target) { return this.#items.length > 0 && target instanceof Element && target.contains(this.#element); }

  #draw() {
    const kept = this.#keyAt(document.activeElement);
    const at = kept === null ? -1 : this.#indexOf(kept);
    const rows = rowsInPage({ ...this.#view(), count: this.#items.length, height: this.#height || HEIGHT }, at);
    this.#put(rows);
    if (kept !== null && at >= 0 && this.#keyAt(document.activeElement) === null) this.#focus(kept);
    if (!this.#height && this.#measured()) this.#draw();
  }

  /** Where the list stands in what scrolls it. */
  #view() {
    const box = this.#element.closest(".side-body")?.getBoundingClientRect();
    return box ? { above: box.top - this.#element.getBoundingClientRect().top, seen: box.height } : { above: 0, seen: 0 };
  }

  /** @param {number[]} at which of the items */
  #put(at) {
    const rows = at.map((one) => this.#rowOf(this.#items[one]));
    this.#shown = rows.map(({ key }) => key);
    this.#rows.show(rows);
    const height = this.#height || HEIGHT;
    const before = gaps(at, this.#items.length);
    const children = /** @type {HTMLCollectionOf<HTMLElement>} */ (this.#element.children);
    this.#element.style.paddingBlock = `${before[0] * height}px ${(before.at(-1) ?? 0) * height}px`;
    at.forEach((one, index) => {
      children[index].style.marginTop = index && before[index] ? `${before[index] * height}px` : "";
      children[index].setAttribute("aria-posinset", String(one + 1));
      children[index].setAttribute("aria-setsize", String(this.#items.length));
    });
    this.#mark();
  }

  #measured() {
    this.#height = this.#element.firstElementChild?.getBoundingClientRect().height ?? 0;
    return this.#height > 0 && this.#height !== HEIGHT;
  }

  /** One row can be reached by Tab: that which had the focus last, else the one that is open, or the first. */
  #mark() {
    const rows = this.#pressable();
    const last = rows.findIndex((_, at) => this.#shown[at] === this.#stop);
    const open = rows.findIndex((row) => row?.getAttribute("aria-current") === "page");
    const stop = Math.max(last >= 0 ? last : open, 0);
    rows.forEach((row, at) => { if (row) row.tabIndex = at === stop ? 0 : -1; });
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const key = this.#keyAt(event.target);
    if (key === null || !isPlain(event)) return;
    const next = wayOf(event.key, this.#indexOf(key), this.#items.length);
    if (next < 0) return;
    event.preventDefault();
    this.#goTo(next);
  }

  /** @param {number} at */
  #goTo(at) {
    const key = this.#keyOf(this.#items[at]);
    const box = this.#element.closest(".side-body");
    const height = this.#height || HEIGHT;
    const { above, seen } = this.#view();
    const [top, bottom] = [at * height, (at + 1) * height];
    if (box && top < above) box.scrollTop -= above - top;
    if (box && bottom > above + seen) box.scrollTop += bottom - above - seen;
    this.#draw();
    this.#focus(key);
  }

  /** @param {string | number} key */
  #focus(key) { this.#pressable()[this.#shown.indexOf(key)]?.focus({ preventScroll: true }); }

  /** @param {string | number} key */
  #indexOf(key) { return this.#items.findIndex((item) => this.#keyOf(item) === key); }

  /**
   * The key of the row that an element is in.
   * @param {unknown} element
   */
  #keyAt(element) {
    const row = element instanceof Element && this.#element.contains(element) ? element.closest("li") : null;
    return this.#shown[row ? [...this.#element.children].indexOf(row) : -1] ?? null;
  }

  /** @returns {(HTMLElement | null)[]} */
  #pressable() { return [...this.#element.children].map((row) => row.querySelector(PRESSED)); }
}

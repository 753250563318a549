// How long a text may be, and the line that says so near the bound.

import { lengthOf } from "../characters.js";
import { h } from "../element.js";
import { t } from "../words.js";

const TEXT_BOUND = 8000; // characters the server takes
const COUNTED_FROM = 7500; // characters from which it is shown how many there are

/**
 * Why a text can't be sent; "" where it can.
 * @param {string} text
 */
export function tooLong(text) {
  const length = text.length <= TEXT_BOUND ? text.length : lengthOf(text);
  return length > TEXT_BOUND ? t("compose.too-long", { count: length - TEXT_BOUND, most: TEXT_BOUND }) : "";
}

export class LengthLine {
  constructor() { this.element = h("p.composer-count", { role: "status", hidden: true }); }

  /**
   * Shows it for a text; answers why that can't be sent, or "".
   * @param {string} text
   */
  look(text) {
    const words = tooLong(text);
    const length = text.length < COUNTED_FROM ? text.length : lengthOf(text);
    this.element.hidden = length < COUNTED_FROM;
    this.element.textContent = words || `${length} / ${TEXT_BOUND}`;
    this.element.classList.toggle("bad", Boolean(words));
    return words;
  }
}

// A list above the input of what could be written there, chosen by a click or by keys.

import { fill, h } from "../element.js";

/** @import { Child } from "../element.js" */
/** @typedef {{ face: Child[], choose: () => void }} Suggestion */

const MOVES = new Map([["ArrowDown", 1], ["ArrowUp", -1]]);

export class Suggestions {
  #active = 0;

  /** @param {string} words what the list is called */
  constructor(words) {
    this.element = h("div.suggestions", { role: "listbox", "aria-label": words, hidden: true });
  }

  close() { this.element.hidden = true; }

  /** @param {Suggestion[]} found */
  show(found) {
    fill(this.element, ...found.map(({ face, choose }) =>
      h("button.suggestion", { type: "button", role: "option", tabindex: -1, onclick: choose }, ...face)));
    this.element.hidden = !found.length;
    if (found.length) this.#activate(0);
  }

  /**
   * True when the key was for the list.
   * @param {KeyboardEvent} event
   */
  key(event) {
    if (this.element.hidden) return false;
    const options = /** @type {HTMLCollectionOf<HTMLElement>} */ (this.element.children);
    const move = MOVES.get(event.key);
    if (move) this.#activate((this.#active + move + options.length) % options.length);
    else if (event.key === "Enter" || event.key === "Tab") options[this.#active].click();
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    return true;
  }

  /** @param {number} index */
  #activate(index) {
    this.#active = index;
    [...this.element.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === index)));
    this.element.children[index].scrollIntoView({ block: "nearest" });
  }
}

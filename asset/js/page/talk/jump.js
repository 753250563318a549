import { h } from "../element.js";
import { icon } from "../icon.js";
import { t } from "../words.js";

const COUNT_BOUND = 99;

/** The button that leads to the newest messages, with the number of those that came while somebody read further up. */
export class Jump {
  #count = h("span.badge", { "aria-hidden": "true" });

  /** @param {() => void} onclick */
  constructor(onclick) {
    this.element = h("button.to-end.round", { type: "button", hidden: true, onclick }, icon("down"), this.#count);
    this.show(false, 0);
  }

  /**
   * @param {boolean} away whether the newest messages are out of view
   * @param {number} unread
   */
  show(away, unread) {
    const words = unread ? t("talk.to-new", { count: unread }) : t("talk.to-end");
    this.element.hidden = !away;
    this.#count.hidden = !unread;
    this.#count.textContent = unread > COUNT_BOUND ? `${COUNT_BOUND}+` : String(unread || "");
    this.element.title = words;
    this.element.setAttribute("aria-label", words);
  }
}

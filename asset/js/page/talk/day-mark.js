import { h } from "../element.js";

/**
 * The day of what is at the top of the window: it takes the place of the day's own line once that is above, and gives way to the next
 * one. The lines can't stick by themselves: they would lie on each other in a list without parts.
 */
export class DayMark {
  #box; #list; #words = h("span"); #height = 0;

  /**
   * @param {HTMLElement} box what scrolls
   * @param {Element} list the rows
   */
  constructor(box, list) {
    this.#box = box;
    this.#list = list;
    this.element = h("div.day.day-mark", { "aria-hidden": "true", hidden: true }, this.#words);
    box.addEventListener("scroll", () => this.look(), { passive: true });
  }

  look() {
    const { top } = this.#box.getBoundingClientRect();
    const lines = [...this.#list.querySelectorAll(".day")].map((line) => ({ line, at: line.getBoundingClientRect().top - top }));
    const next = lines.findIndex(({ at }) => at >= 0);
    const above = next < 0 ? lines.at(-1) : lines[next - 1];
    this.element.hidden = !above;
    if (!above) return;
    const words = above.line.textContent;
    if (this.#words.textContent !== words) this.#words.textContent = words;
    this.#height ||= this.element.offsetHeight;
    const free = next < 0 ? this.#height : Math.min(lines[next].at, this.#height);
    this.element.style.translate = `0 ${free - this.#height}px`;
  }
}

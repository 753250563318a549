// Choosing several messages of the open chat, to send them on: a bar in the place of the composer, a box before each row.

import { iconButton, button } from "../button.js";
import { h } from "../element.js";
import { toast } from "../toast.js";
import { t } from "../words.js";
import { forward } from "./asking.js";
import { goesOn, wordsOf } from "./posting.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Message } from "../../im/types.js" */
/** @import { People } from "../people.js" */
/** @import { ShownMessage } from "../types.js" */

const MOST = 100; // messages at once

/**
 * `rows` is the list of messages, `frame` gets a class meanwhile, `at(seq)` is a message of the open chat.
 * @typedef {object} Parts
 * @property {Client} client
 * @property {People} people
 * @property {HTMLElement} rows
 * @property {HTMLElement} frame
 * @property {(seq: number) => Message | null | undefined} at
 */

export class Selection {
  #parts; #told; #forward;
  /** @type {Map<number, ShownMessage>} */
  #chosen = new Map();
  #watch = new MutationObserver(() => this.#mark());

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#told = h("b.select-told", { role: "status" });
    this.#forward = button(t("select.forward"), () => this.#ask(), ".primary");
    this.element = h("div.select-bar", { hidden: true, role: "group", "aria-label": t("select.messages") },
      iconButton("close", t("action.cancel"), () => this.end()), this.#told, this.#forward);
    const { rows } = parts;
    rows.addEventListener("click", (event) => this.#clicked(event), true);
    rows.addEventListener("contextmenu", (event) => { if (this.#on) { event.preventDefault(); event.stopPropagation(); } }, true);
    rows.addEventListener("keydown", (event) => this.#pressed(event), true);
    this.element.addEventListener("keydown", ({ key }) => { if (key === "Escape") this.end(); });
  }

  get #on() { return !this.element.hidden; }

  /** @param {ShownMessage} message the first that is chosen */
  begin(message) {
    if (!goesOn(message)) return;
    this.element.hidden = false;
    this.#parts.frame.classList.add("selecting");
    this.#watch.observe(this.#parts.rows, { childList: true });
    this.#mark();
    this.#toggle(message);
    const row = this.#parts.rows.querySelector(`[data-seq="${message.seq}"]`);
    if (row instanceof HTMLElement) row.focus({ preventScroll: true }); // what was pressed is hidden now
  }

  end() {
    if (!this.#on) return;
    this.#watch.disconnect();
    this.#chosen.clear();
    this.element.hidden = true;
    this.#parts.frame.classList.remove("selecting");
    for (const box of this.#parts.rows.querySelectorAll(".select-box")) box.remove();
  }

  /** Gives each row its box, also one that was built meanwhile. */
  #mark() {
    for (const row of this.#parts.rows.querySelectorAll("li.message")) {
      if (!(row instanceof HTMLElement) || row.querySelector(":scope > .select-box")) continue;
      const message = this.#messageOf(row);
      if (message && goesOn(message)) row.prepend(h("input.select-box", { type: "checkbox", tabindex: -1, "aria-label": t("select.this") }));
    }
    this.#look();
  }

  #look() {
    for (const box of this.#parts.rows.querySelectorAll(".select-box")) {
      const row = box.closest("li");
      if (box instanceof HTMLInputElement) box.checked = this.#chosen.has(Number(row?.dataset.seq));
    }
    this.#told.textContent = t("select.count", { count: this.#chosen.size });
    this.#forward.disabled = !this.#chosen.size;
  }

  /** @param {HTMLElement} row */
  #messageOf(row) { return this.#parts.at(Number(row.dataset.seq)); }

  /** @param {MouseEvent} event */
  #clicked(event) {
    if (!this.#on || !(event.target instanceof Element)) return;
    event.stopPropagation();
    if (!event.target.matches(".select-box")) event.preventDefault(); // of a box it would bring back what it was
    this.#choose(event.target);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (!this.#on || !(event.target instanceof Element)) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      this.end();
    } else if ((event.key === " " || event.key === "Enter") && event.target.matches("li.message")) {
      event.preventDefault();
      this.#choose(event.target);
    }
  }

  /** @param {Element} target in the row that is meant */
  #choose(target) {
    const row = target.closest("li.message");
    const message = row instanceof HTMLElement ? this.#messageOf(row) : null;
    if (message && goesOn(message)) this.#toggle(message);
  }

  /** @param {ShownMessage} message */
  #toggle(message) {
    const { seq = 0 } = message;
    if (this.#chosen.has(seq)) this.#chosen.delete(seq);
    else if (this.#chosen.size >= MOST) toast(t("select.full", { most: MOST }), "bad");
    else this.#chosen.set(seq, message);
    this.#look();
  }

  #ask() {
    const { client, people, at } = this.#parts;
    const inOrder = [...this.#chosen].sort(([a], [b]) => a - b).map(([seq, message]) => at(seq) ?? message);
    const messages = inOrder.filter(goesOn).map(wordsOf); // what was recalled meanwhile doesn't go on
    forward(messages, { client, people, chosen: () => this.end() });
  }
}

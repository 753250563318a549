import { h } from "./element.js";

const SHOWN_FOR = 3_000; // ms

/** @import { Child } from "./element.js" */

/**
 * Says something in passing: a text, or the parts of one.
 * @param {Child | Child[]} text
 * @param {"" | "bad"} [kind]
 */
export function toast(text, kind = "") {
  const notes = document.querySelector(".toasts")
    ?? document.body.appendChild(h("div.toasts", { role: "status", popover: "manual" }));
  const note = h(`p.toast${kind && `.${kind}`}`, {}, text);
  notes.append(note);
  raiseToasts();
  setTimeout(() => note.remove(), SHOWN_FOR);
}

/** Puts what is being said over everything: a dialog that opens later lies over what was there before it. */
export function raiseToasts() {
  const notes = document.querySelector(".toasts");
  if (!(notes instanceof HTMLElement) || !notes.firstChild || !("showPopover" in notes)) return;
  notes.hidePopover();
  notes.showPopover();
}

// Windows over the page: native <dialog>, which keeps the focus inside and closes by Escape.

import { over } from "./back.js";
import { bounded, fieldsOf } from "./bounded.js";
import { button, iconButton } from "./button.js";
import { fill, h, part } from "./element.js";
import { drawn, written } from "./strangers.js";
import { raiseToasts } from "./toast.js";
import { reason, t } from "./words.js";

/** @import { Attribute, Child } from "./element.js" */
/** @import { Part } from "./strangers.js" */

/**
 * @typedef {(draw: () => void) => () => void} Changes
 *   calls what it is given whenever there is something new, until the function that it answers is called
 */

/**
 * Opens a dialog with `content`; it is gone from the page once closed.
 * @param {string | Part[]} title
 * @param {...Child} content
 */
export function openDialog(title, ...content) {
  const close = iconButton("close", t("action.close"), () => box.close());
  const top = h("header.dialog-top", {}, h("h2"), close);
  const box = h("dialog.dialog", {}, top, ...content);
  entitle(box, title);
  box.addEventListener("click", (event) => event.target === box && box.close());
  return shown(box);
}

/**
 * @param {HTMLElement} box a dialog of `openDialog`
 * @param {string | Part[]} title
 */
export function entitle(box, title) {
  const parts = typeof title === "string" ? [{ theirs: title }] : title;
  box.setAttribute("aria-label", written(parts));
  fill(part("h2", box), ...drawn(parts));
}

/**
 * Draws now, and again with all that changes until the dialog is closed: what it shows may not be known yet.
 * @param {HTMLDialogElement} box
 * @param {Changes} changes
 * @param {() => void} draw
 */
export function keepDrawn(box, changes, draw) {
  draw();
  box.addEventListener("close", changes(draw), { once: true });
}

/**
 * Shows a <dialog> over everything; Back closes it, and it is gone from the page once closed.
 * @param {HTMLDialogElement} box
 */
export function shown(box) {
  document.body.append(box);
  box.showModal();
  raiseToasts();
  const closed = over(() => box.close());
  box.addEventListener("close", () => { closed(); box.remove(); }, { once: true });
  return box;
}

/**
 * A form that tells its refusals itself. `submitted` gets the fields by their names and is awaited.
 * @param {{ fields: Child[], submit: string, submitted: (asked: Record<string, string>) => Promise<unknown> }} parts
 */
export function form({ fields, submit, submitted }) {
  const error = h("p.form-error", { role: "alert", hidden: true });
  const send = h("button.button.primary", { type: "submit" }, submit);
  const element = h("form.form", {}, ...fields, error, send);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.hidden = true;
    send.disabled = true;
    try {
      await submitted(fieldsOf(element));
    } catch (refused) {
      error.textContent = reason(refused);
      error.hidden = false;
    } finally {
      send.disabled = false;
    }
  });
  return element;
}

/**
 * A labelled input. `least` and `most` bound its characters; a password isn't trimmed before they are counted.
 * @param {string} label
 * @param {{ least?: number, most?: number, [attribute: string]: Attribute }} attributes
 */
export function field(label, { least, most, ...attributes }) {
  const input = h("input", attributes);
  const trimmed = attributes.type !== "password";
  return h("label", {}, label, input, most ? bounded(input, { least, most, trimmed }) : null);
}

/**
 * Asks before something that can't be taken back, and shows `more` of it; resolves to true or false.
 * @param {string | Part[]} question
 * @param {string} yes
 * @param {...Child} more
 * @returns {Promise<boolean>}
 */
export function confirmed(question, yes, ...more) {
  return new Promise((resolve) => {
    /** @param {boolean} value */
    const answer = (value) => () => { resolve(value); box.close(); };
    const box = openDialog(question, ...more, h("div.dialog-buttons", {},
      button(t("action.cancel"), answer(false)), button(yes, answer(true), ".bad")));
    box.addEventListener("close", () => resolve(false));
  });
}

/** Closes them all. They are gone from the page at once, and not only after their event: the next may be shown now. */
export function closeDialogs() {
  for (const box of document.querySelectorAll("dialog")) {
    if (box.open) box.close();
    box.remove();
  }
}

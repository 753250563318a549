// Windows over the page: native <dialog>, which keeps the focus inside and closes by Escape.

import { h } from "./element.js";
import { icon } from "./icon.js";
import { reason, t } from "./words.js";

/** Opens a dialog with `content`; it is gone from the page once closed. */
export function openDialog(title, ...content) {
  const close = h("button.round", { type: "button", "aria-label": t("action.close"), onclick: () => box.close() }, icon("close"));
  const box = h("dialog.dialog", { "aria-label": title }, h("header.dialog-top", {}, h("h2", {}, title), close), ...content);
  box.addEventListener("close", () => box.remove(), { once: true });
  box.addEventListener("click", (event) => event.target === box && box.close());
  document.body.append(box);
  box.showModal();
  return box;
}

/** A form that tells its refusals itself. `submitted` gets the fields and is awaited. */
export function form({ fields, submit, submitted }) {
  const error = h("p.form-error", { role: "alert", hidden: true });
  const button = h("button.button.primary", { type: "submit" }, submit);
  const element = h("form.form", {}, ...fields, error, button);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.hidden = true;
    button.disabled = true;
    try {
      await submitted(Object.fromEntries(new FormData(element)), element);
    } catch (refused) {
      error.textContent = reason(refused);
      error.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
  return element;
}

/** A labelled input. */
export const field = (label, attributes) => h("label", {}, label, h("input", attributes));

/** Asks before something that can't be taken back; resolves to true or false. */
export function confirmed(question, yes) {
  return new Promise((resolve) => {
    const answer = (value) => () => { resolve(value); box.close(); };
    const box = openDialog(question, h("div.dialog-buttons", {},
      h("button.button", { type: "button", onclick: answer(false) }, t("action.cancel")),
      h("button.button.bad", { type: "button", onclick: answer(true) }, yes)));
    box.addEventListener("close", () => resolve(false));
  });
}

// Windows over the page: native <dialog>, which keeps the focus inside and closes by Escape.

import { button, iconButton } from "./button.js";
import { h } from "./element.js";
import { reason, t } from "./words.js";

/** Opens a dialog with `content`; it is gone from the page once closed. */
export function openDialog(title, ...content) {
  const close = iconButton("close", t("action.close"), () => box.close());
  const top = h("header.dialog-top", {}, h("h2", {}, title), close);
  const box = h("dialog.dialog", { "aria-label": title }, top, ...content);
  box.addEventListener("close", () => box.remove(), { once: true });
  box.addEventListener("click", (event) => event.target === box && box.close());
  document.body.append(box);
  box.showModal();
  return box;
}

/** A form that tells its refusals itself. `submitted` gets the fields and is awaited. */
export function form({ fields, submit, submitted }) {
  const error = h("p.form-error", { role: "alert", hidden: true });
  const send = h("button.button.primary", { type: "submit" }, submit);
  const element = h("form.form", {}, ...fields, error, send);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.hidden = true;
    send.disabled = true;
    try {
      await submitted(Object.fromEntries(new FormData(element)), element);
    } catch (refused) {
      error.textContent = reason(refused);
      error.hidden = false;
    } finally {
      send.disabled = false;
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
      button(t("action.cancel"), answer(false)), button(yes, answer(true), ".bad")));
    box.addEventListener("close", () => resolve(false));
  });
}

export const closeDialogs = () => document.querySelectorAll("dialog[open]").forEach((box) => box.close());

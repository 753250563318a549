// Dialogs of administrators: what is shown once, and what must be typed before something that can't be taken back.

import { button } from "../page/button.js";
import { openDialog } from "../page/dialog.js";
import { h } from "../page/element.js";
import { toast } from "../page/toast.js";
import { t } from "../page/words.js";
import { attempt, problemLine } from "./attempt.js";

/** @import { Part } from "../page/strangers.js" */

/**
 * Shows a secret that is never shown again, with a button that copies it.
 * @param {string} title
 * @param {string} secret
 * @param {string} why what it is good for
 */
export function showOnce(title, secret, why) {
  const input = h("input.once", { readonly: true, value: secret, "aria-label": title });
  const copy = async () => {
    input.select();
    try {
      await navigator.clipboard.writeText(secret);
      toast(t("admin.copied"));
    } catch {
      toast(t("admin.copy-by-hand"), "bad"); // browsers copy over HTTPS and on localhost only; it is selected
    }
  };
  const box = openDialog(title, h("p", {}, why), h("p.admin-warning", {}, t("admin.once")), h("div.form", {}, input),
    h("div.dialog-buttons", {}, button(t("admin.copy"), copy, ".primary"), button(t("action.close"), () => box.close())));
  input.select();
}

/**
 * Asks to type `word` before `call`, which can't be taken back, and says beside it why it couldn't be done.
 * @param {{ title: Part[], why: string, word: string, yes: string, call: () => Promise<unknown> }} asked
 */
export function typedBefore({ title, why, word, yes, call }) {
  const problem = problemLine();
  const input = h("input", { name: "typed", autocomplete: "off", spellcheck: "false", required: true });
  const go = h("button.button.bad", { type: "submit", disabled: true }, yes);
  input.addEventListener("input", () => { go.disabled = input.value.trim() !== word; });
  const form = h("form.form", {}, h("p", {}, why), h("label", {}, t("admin.type", { word }), input), problem,
    h("div.dialog-buttons", {}, button(t("action.cancel"), () => box.close()), go));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (input.value.trim() !== word) return;
    go.disabled = true;
    if (await attempt(problem, call)) box.close();
    go.disabled = false;
  });
  const box = openDialog(title, form);
  input.focus();
}

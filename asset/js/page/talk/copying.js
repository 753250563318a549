import { h } from "../element.js";
import { toast } from "../toast.js";
import { t } from "../words.js";

/**
 * Puts a text on the clipboard and says so; also on a page without TLS, to which browsers don't give the newer way.
 * @param {string} text
 */
export async function copyText(text) {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else if (!copyBySelection(text)) throw new Error("not copied");
    toast(t("message.copied"));
  } catch {
    toast(t("message.not-copied"), "bad");
  }
}

/** @param {string} text */
function copyBySelection(text) {
  const [field, focused] = [h("textarea.unseen", { readonly: true }), document.activeElement];
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}

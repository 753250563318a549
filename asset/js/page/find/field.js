import { h } from "../element.js";
import { LONGEST } from "./message-search.js";

/**
 * A field for the words of a search. `changed()` isn't called in the middle of a word that an input method composes.
 * @param {string} label
 * @param {() => void} changed
 * @param {string} [value]
 */
export function wordsField(label, changed, value = "") {
  const field = h("input.find-field", { type: "text", inputmode: "search", enterkeyhint: "search", autocomplete: "off", spellcheck: "false",
    maxlength: LONGEST, value, placeholder: label, "aria-label": label });
  field.addEventListener("input", (event) => { if (!(event instanceof InputEvent && event.isComposing)) changed(); });
  field.addEventListener("compositionend", changed);
  return field;
}

// Inputs with a bound that is counted as the server counts it. An input's own maxlength counts otherwise, and cuts what
// is pasted without a word: here everything stays, a count says how far it is, and the form isn't sent while it is wrong.

import { lengthOf } from "./characters.js";
import { h } from "./element.js";
import { t } from "./words.js";

const NEAR = 0.8; // share of the bound from which the count is shown

/**
 * Bounds `input` to `least`…`most` characters; answers the count, to be put beside it. `trimmed` as its form sends it.
 * @param {HTMLInputElement} input
 * @param {{ least?: number, most: number, trimmed?: boolean }} bounds
 */
export function bounded(input, { least = 0, most, trimmed = true }) {
  const count = h("small.count", { role: "status", hidden: true });
  const look = () => {
    const length = lengthOf(trimmed ? input.value.trim() : input.value);
    const over = length > most;
    count.hidden = length < most * NEAR;
    count.classList.toggle("bad", over);
    count.textContent = over ? t("length.over", { count: length - most, most }) : `${length} / ${most}`;
    const short = length && length < least ? t("length.short", { least }) : "";
    input.setCustomValidity(over ? count.textContent : short);
  };
  input.addEventListener("input", look);
  look();
  return count;
}

/**
 * What a form says, by the names of its fields, as it is sent: trimmed, but for passwords.
 * @param {HTMLFormElement} element
 */
export function fieldsOf(element) {
  /** @type {Record<string, string>} */
  const asked = {};
  for (const [name, value] of new FormData(element)) {
    if (typeof value === "string") asked[name] = isSecret(element, name) ? value : value.trim();
  }
  return asked;
}

/**
 * @param {HTMLFormElement} element
 * @param {string} name
 */
function isSecret(element, name) {
  const input = element.elements.namedItem(name);
  return input instanceof HTMLInputElement && input.type === "password";
}

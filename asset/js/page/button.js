import { h } from "./element.js";
import { icon } from "./icon.js";

/** @import { Child } from "./element.js" */
/** @import { IconName } from "./icon.js" */

/**
 * A round button with an icon; `words` say what it does, and `kind` is a class of it, ".send".
 * @param {IconName} name
 * @param {string} words
 * @param {() => unknown} onclick
 * @param {string} [kind]
 */
export const iconButton = (name, words, onclick, kind = "") =>
  h(`button.round${kind}`, { type: "button", title: words, "aria-label": words, onclick }, icon(name));

/**
 * A button with words; `kind` is "", ".primary" or ".bad".
 * @param {string} words
 * @param {() => unknown} onclick
 * @param {"" | ".primary" | ".bad"} [kind]
 */
export const button = (words, onclick, kind = "") => h(`button.button${kind}`, { type: "button", onclick }, words);

/**
 * A row of a list that does something.
 * @param {() => unknown} onclick
 * @param {...Child} children
 */
export const rowButton = (onclick, ...children) => h("button.row", { type: "button", onclick }, ...children);

import { h } from "./element.js";
import { icon } from "./icon.js";

/** A round button with an icon; `words` say what it does. */
export const iconButton = (name, words, onclick, kind = "") =>
  h(`button.round${kind}`, { type: "button", title: words, "aria-label": words, onclick }, icon(name));

/** A button with words; `kind` is "", ".primary" or ".bad". */
export const button = (words, onclick, kind = "") => h(`button.button${kind}`, { type: "button", onclick }, words);

/** A row of a list that does something. */
export const rowButton = (onclick, ...children) => h("button.row", { type: "button", onclick }, ...children);

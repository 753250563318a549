// What is done most with a message: shown beside it on hover, focus or tap, with the menu of all the rest.

import { over } from "../back.js";
import { QUICK } from "../compose/emoji-list.js";
import { h } from "../element.js";
import { icon } from "../icon.js";
import { t } from "../words.js";
import { openMenu } from "./message-menu.js";

/** @import { IconName } from "../icon.js" */
/** @import { ShownMessage } from "../types.js" */
/** @import { RowParts } from "./types.js" */

/**
 * @param {ShownMessage} message
 * @param {RowParts} parts
 */
export function actionsFor(message, parts) {
  const more = button("more", t("message.more"), () => openMenu(message, parts, more));
  more.setAttribute("aria-haspopup", "menu");
  return h("div.actions", { role: "group", "aria-label": t("action.for-message") },
    reactButton(message, parts), button("reply", t("action.reply"), () => parts.reply(message)), more);
}

/**
 * @param {IconName} name
 * @param {string} words
 * @param {() => unknown} onclick
 */
function button(name, words, onclick) {
  const attributes = { type: "button", title: words, "aria-label": words, onclick, dataset: { action: name } };
  return h("button.action", attributes, icon(name));
}

/**
 * @param {ShownMessage} message
 * @param {RowParts} parts
 */
function reactButton(message, parts) {
  let closed = () => {};
  const hide = () => { palette.remove(); closed(); };
  const opener = button("emoji", t("action.react"), () => {
    if (palette.isConnected) return hide();
    opener.after(palette);
    closed = over(hide, () => palette.isConnected);
    return choices[0].focus();
  });
  /** @param {string} emoji */
  const react = (emoji) => () => {
    opener.focus();
    hide();
    parts.react(message, emoji);
  };
  const choices = QUICK.map((emoji) => h("button", { type: "button", onclick: react(emoji) }, emoji));
  const palette = h("div.palette", { role: "group", "aria-label": t("action.react") }, ...choices);
  palette.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget !== opener && !palette.contains(/** @type {Node | null} */ (relatedTarget))) queueMicrotask(hide);
  });
  palette.addEventListener("keydown", (event) => event.key === "Escape" && opener.focus());
  return h("span.react", {}, opener);
}

// What can be done with a message: shown beside it on hover, focus or tap.

import { CMD, MEDIA } from "../../im/index.js";
import { over } from "../back.js";
import { QUICK } from "../compose/emoji-list.js";
import { h } from "../element.js";
import { goesOn } from "../forwarding/posting.js";
import { icon } from "../icon.js";
import { t } from "../words.js";

/** @import { IconName } from "../icon.js" */
/** @import { People } from "../people.js" */
/** @import { ShownMessage } from "../types.js" */
/** @import { RowParts } from "./types.js" */

/**
 * @param {ShownMessage} message
 * @param {RowParts} parts
 */
export function actionsFor(message, parts) {
  const mine = message.userid === parts.people.me.id;
  return h("div.actions", { role: "group", "aria-label": t("action.for-message") },
    reactButton(message, parts),
    button("reply", t("action.reply"), () => parts.reply(message)),
    mine && message.media === MEDIA.TEXT && button("edit", t("action.edit"), () => parts.edit(message)),
    mine && message.cmd === CMD.GROUP && button("checks", t("action.readers"), () => parts.readers(message)),
    goesOn(message) && button("check", t("action.select"), () => parts.select(message)),
    (mine || ownsGroup(message, parts.people)) && button("undo", t("action.recall"), () => parts.recall(message)));
}

/**
 * Whether the message is in a group of mine.
 * @param {ShownMessage} message
 * @param {People} people
 */
export const ownsGroup = ({ cmd, dstid }, people) => cmd === CMD.GROUP && people.group(dstid).ownerid === people.me.id;

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

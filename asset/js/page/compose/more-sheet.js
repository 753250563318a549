// What can be sent besides words, in words: a phone has no room for a button of each.

import { iconButton, rowButton } from "../button.js";
import { openDialog } from "../dialog.js";
import { h } from "../element.js";
import { icon } from "../icon.js";
import { t } from "../words.js";
import { byTouch } from "./touch.js";

/** @import { IconName } from "../icon.js" */

/**
 * `choose(name)` opens the chooser of "picture", "camera" or "file".
 * @typedef {{ choose: (name: "picture" | "camera" | "file") => void, record: () => void, emoji: () => void }} Ways
 */

/**
 * The button that opens it.
 * @param {Ways} ways
 */
export function moreButton(ways) {
  const button = iconButton("add", t("compose.more"), () => open(ways), ".compose-more");
  button.setAttribute("aria-haspopup", "dialog");
  return button;
}

/** @param {Ways} ways */
function open({ choose, record, emoji }) {
  /** @type {(name: IconName, words: string, act: () => void) => HTMLElement} */
  const item = (name, words, act) => {
    const row = rowButton(() => { box.close(); act(); }, icon(name), h("span", {}, words));
    row.dataset.more = name;
    return row;
  };
  const box = openDialog(t("compose.more"), h("div.menu", {},
    item("picture", t("compose.picture"), () => choose("picture")),
    byTouch() && item("camera", t("compose.camera"), () => choose("camera")),
    item("file", t("compose.file"), () => choose("file")),
    item("mic", t("voice.record"), record),
    item("emoji", t("compose.emoji"), emoji)));
  box.classList.add("sheet");
}

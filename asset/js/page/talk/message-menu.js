// The menu of a message: all that can be done with it, in words. A window beside the pointer, or a sheet from below on a phone.

import { CMD, MEDIA } from "../../im/index.js";
import { QUICK } from "../compose/emoji-list.js";
import { shown } from "../dialog.js";
import { h } from "../element.js";
import { goesOn } from "../forwarding/posting.js";
import { icon } from "../icon.js";
import { wayOf } from "../tab-stop.js";
import { t } from "../words.js";
import { copyText } from "./copying.js";
import { mayRecall } from "./rights.js";
import { reactionsOf } from "./reactions.js";

/** @import { IconName } from "../icon.js" */
/** @import { ShownMessage } from "../types.js" */
/** @import { Point } from "./menu-key.js" */
/** @import { RowParts } from "./types.js" */
/** @typedef {{ mark: IconName, words: string, act: () => unknown, kind?: string }} Entry */

const DISTANCE = 8; // pixels between the menu and the window's edge

/**
 * What can be done with a message, besides reacting to it.
 * @param {ShownMessage} message
 * @param {RowParts} parts
 * @returns {Entry[]}
 */
function entriesFor(message, parts) {
  const { people } = parts;
  const mine = message.userid === people.me.id;
  const words = copied(message);
  /** @type {(Entry | false)[]} */
  const entries = [
    { mark: "reply", words: t("action.reply"), act: () => parts.reply(message) },
    Boolean(words) && { mark: "copy", words: t("message.copy"), act: () => copyText(words) },
    { mark: "link", words: t("message.copy-link"), act: () => copyText(parts.addressOf(message)) },
    goesOn(message) && { mark: "forward", words: t("message.forward"), act: () => parts.forward(message) },
    goesOn(message) && { mark: "check", words: t("action.select"), act: () => parts.select(message) },
    mine && message.media === MEDIA.TEXT && { mark: "edit", words: t("action.edit"), act: () => parts.edit(message) },
    mine && message.cmd === CMD.GROUP && { mark: "checks", words: t("action.readers"), act: () => parts.readers(message) },
    reactionsOf(message).length > 0 && { mark: "emoji", words: t("message.reacted"), act: () => parts.reacted(message) },
    Boolean(message.edited) && { mark: "clock", words: t("talk.edits"), act: () => parts.edits(message) },
    mayRecall(message, people) && { mark: "undo", words: t("action.recall"), act: () => parts.recall(message), kind: ".bad" },
  ];
  return entries.filter((one) => one !== false);
}

/**
 * The words of a message as they were written, or where it leads to; "" where there is nothing to copy.
 * @param {ShownMessage} message
 */
function copied({ media, content = "", url = "" }) {
  if (media === MEDIA.TEXT) return content;
  return (media === MEDIA.LINK || media === MEDIA.NEWS) && /^https?:/iu.test(url) ? url : "";
}

/**
 * Opens it at a point of the window, or beside an element.
 * @param {ShownMessage} message
 * @param {RowParts} parts
 * @param {Point | Element} at
 */
export function openMenu(message, parts, at) {
  if (document.querySelector(".message-menu")) return;
  /** @param {() => unknown} act */
  const doing = (act) => () => { box.close(); act(); };
  const faces = QUICK.map((emoji) => h("button.face-choice", { type: "button", role: "menuitem", onclick: doing(() => parts.react(message, emoji)) }, emoji));
  const entries = entriesFor(message, parts).map(({ mark, words, act, kind = "" }, index) => h(`button.menu-entry${kind}`,
    { type: "button", role: "menuitem", autofocus: index === 0, dataset: { action: mark }, onclick: doing(act) }, icon(mark), words));
  const menu = h("div.menu-entries", { role: "menu", "aria-label": t("action.for-message") },
    h("div.faces", { role: "group", "aria-label": t("action.react") }, ...faces), ...entries);
  /** @type {HTMLDialogElement} */
  const box = h("dialog.message-menu", { "aria-label": t("action.for-message") }, menu);
  menu.addEventListener("keydown", (event) => goByKeys(event, faces, entries));
  closeBeside(box);
  shown(box);
  place(box, at);
}

/**
 * Arrow keys go from entry to entry; to the sides from face to face.
 * @param {KeyboardEvent} event
 * @param {HTMLElement[]} faces
 * @param {HTMLElement[]} entries
 */
function goByKeys(event, faces, entries) {
  const at = /** @type {HTMLElement} */ (event.target);
  const face = faces.indexOf(at);
  const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const column = [faces[Math.max(face, 0)], ...entries];
  const down = wayOf(event.key, face < 0 ? column.indexOf(at) : 0, column.length);
  const next = side && face >= 0 ? faces[face + side] : down >= 0 ? column[down] : null;
  if (!next) return;
  event.preventDefault();
  next.focus();
}

/**
 * A click beside the menu closes it. The release of the press that opened it is no click of it.
 * @param {HTMLDialogElement} box
 */
function closeBeside(box) {
  let pressed = false;
  box.addEventListener("pointerdown", () => { pressed = true; });
  box.addEventListener("click", (event) => {
    if (event.detail > 0 && !pressed) event.stopPropagation();
    else if (event.target === box) box.close();
  }, true);
  box.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    if (event.target === box) box.close();
  });
}

/**
 * Where there is space for it; a sheet has its place by itself.
 * @param {HTMLElement} box
 * @param {Point | Element} at
 */
function place(box, at) {
  const { x, y } = at instanceof Element ? below(at) : at;
  const { width, height } = box.getBoundingClientRect();
  box.style.setProperty("--x", `${Math.max(Math.min(x, innerWidth - width - DISTANCE), DISTANCE)}px`);
  box.style.setProperty("--y", `${Math.max(Math.min(y, innerHeight - height - DISTANCE), DISTANCE)}px`);
}

/**
 * @param {Element} element
 * @returns {Point}
 */
function below(element) {
  const { left, top, bottom } = element.getBoundingClientRect();
  return { x: left, y: Math.max(Math.min(bottom + 4, innerHeight), top) };
}

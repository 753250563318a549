// One file of the tray: what is seen of it, its words, and the buttons that move it and take it out.

import { iconButton } from "../button.js";
import { endingOf, fileName } from "../characters.js";
import { h } from "../element.js";
import { icon } from "../icon.js";
import { duration } from "../moment.js";
import { t } from "../words.js";
import { isShown } from "./kinds.js";
import { sizeOf } from "./sizes.js";

/**
 * A file that waits; `seconds` is 0 but of a recording. `caption` is the field for its words, of pictures; `stands(at, count)`
 * tells it where it stands, `letGo()` frees what it takes.
 * @typedef {object} Entry
 * @property {File} file
 * @property {number} seconds
 * @property {HTMLInputElement | null} caption
 * @property {HTMLElement} element
 * @property {(at: number, count: number) => void} stands
 * @property {() => void} letGo
 */

/**
 * @typedef {object} Acts
 * @property {() => void} remove
 * @property {(by: number) => void} move
 * @property {() => void} drag it begins to be dragged
 * @property {() => void} dragged another one is dragged over it
 * @property {() => void} submit Enter in its words
 */

const NAME_BOUND = 200; // characters of a name
const CAPTION_BOUND = 1000; // characters below a picture

/**
 * @param {Pick<Entry, "file" | "seconds">} what
 * @param {Acts} acts
 * @returns {Entry}
 */
export function trayItem({ file, seconds }, acts) {
  const name = seconds ? t("media.voice") : fileName(file.name, NAME_BOUND);
  const ending = seconds ? "" : endingOf(name);
  const stem = name.slice(0, name.length - ending.length);
  const { face, letGo } = faceOf({ file, seconds });
  const caption = isShown(file.type) ? captionOf(name, acts.submit) : null;
  const earlier = iconButton("back", t("tray.earlier", { name }), () => acts.move(-1), ".tray-move.earlier");
  const later = iconButton("back", t("tray.later", { name }), () => acts.move(1), ".tray-move.later");
  const element = h("li.tray-item", { title: name }, face,
    h("span.tray-words", {}, h("bdi", {}, h("span", {}, stem), ending), h("small", {}, seconds ? duration(seconds) : sizeOf(file.size))),
    caption, earlier, later, iconButton("close", t("tray.remove", { name }), acts.remove, ".tray-remove"));
  takeDrags(element, face, acts);
  /** @type {Entry["stands"]} */
  const stands = (at, count) => {
    for (const button of [earlier, later]) button.hidden = count < 2;
    earlier.disabled = at === 0;
    later.disabled = at === count - 1;
  };
  return { file, seconds, caption, element, stands, letGo };
}

/**
 * @param {string} name
 * @param {() => void} submit
 */
function captionOf(name, submit) {
  const field = h("input.tray-caption", { type: "text", maxlength: CAPTION_BOUND, placeholder: t("tray.caption"),
    "aria-label": t("tray.caption-of", { name }), autocomplete: "off" });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  });
  return field;
}

/**
 * By its face it is dragged over another one, before or behind which it then stands.
 * @param {HTMLElement} element
 * @param {HTMLElement} face
 * @param {Acts} acts
 */
function takeDrags(element, face, acts) {
  face.draggable = true;
  face.addEventListener("dragstart", ({ dataTransfer }) => {
    dataTransfer?.clearData();
    dataTransfer?.setData("application/x-twim-order", "");
    acts.drag();
  });
  element.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("application/x-twim-order")) return;
    event.preventDefault();
    event.stopPropagation();
    acts.dragged();
  });
  element.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.types.includes("application/x-twim-order")) return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/**
 * What is seen of a file.
 * @param {Pick<Entry, "file" | "seconds">} what
 * @returns {{ face: HTMLElement, letGo: () => void }}
 */
function faceOf({ file, seconds }) {
  const face = h("span.tray-face", {}, icon(seconds ? "mic" : "file"));
  if (!/^image\//.test(file.type)) return { face, letGo: () => {} };
  const address = URL.createObjectURL(file);
  const image = h("img", { src: address, alt: "", draggable: "false" });
  image.addEventListener("load", () => face.replaceChildren(image), { once: true });
  return { face, letGo: () => URL.revokeObjectURL(address) };
}

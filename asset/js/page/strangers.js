// Text of strangers beside text of ours: it stays on its line, and changes the direction of nothing beside it.

import { h } from "./element.js";

/** @typedef {string | { theirs: string }} Part of a text: words of ours, or text of a stranger */

// Controls of direction: isolation alone isn't enough, since one of them ends the isolation it stands in.
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const BREAKS = /[\p{Cc}\u2028\u2029]+/gu;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const [ISOLATE, END] = ["\u2068", "\u2069"];
const VISIBLE = /[^\p{C}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u;
const HIDDEN = /(?!\u200c|\u200d|\ufe0e|\ufe0f)[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu; // all but what joins letters and emoji
const SHORTENED = 48; // characters of a file's name that are shown, its ending aside
const ENDING = /\.[^.\s/\\]{1,16}$/u;

const segmenter = globalThis.Intl?.Segmenter ? new Intl.Segmenter() : null;
/**
 * The characters of a text as a person counts them.
 * @param {string} text
 */
const characters = (text) => (segmenter ? Array.from(segmenter.segment(text), ({ segment }) => segment) : [...text]);

/**
 * In one line, without what changes the direction of others.
 * @param {unknown} text
 */
export const oneLine = (text) => String(text ?? "").replace(DIRECTIONS, "").replace(BREAKS, " ");

/**
 * An element for text of a stranger that stands beside other text.
 * @param {unknown} text
 */
export const apart = (text) => h("bdi", {}, oneLine(text));

/**
 * The same for attributes and whatever else holds no elements.
 * @param {unknown} text
 */
export function isolated(text) {
  const line = oneLine(text);
  return RIGHT_TO_LEFT.test(line) ? ISOLATE + line + END : line;
}

/**
 * Our `words` in parts: strings, and `{theirs}` in place of each `{name}` of the `values`.
 * @param {string} words
 * @param {Record<string, unknown>} values
 * @returns {Part[]}
 */
export function phrase(words, values) {
  return words.split(/\{(\w+)\}/u).map((part, at) => (at % 2 ? { theirs: oneLine(values[part]) } : part));
}

/**
 * Parts as what may be shown: text, and elements of their own for what is theirs.
 * @param {Part[]} parts
 */
export const drawn = (parts) => parts.map((part) => (typeof part === "string" ? part : apart(part.theirs)));

/**
 * Parts as one text.
 * @param {Part[]} parts
 */
export const written = (parts) => parts.map((part) => (typeof part === "string" ? part : isolated(part.theirs))).join("");

/**
 * The name to show: the number where there is nothing to see in it.
 * @param {unknown} name
 * @param {number | string} id
 */
export function readable(name, id) {
  const line = oneLine(name);
  return VISIBLE.test(line) ? line : `#${id}`;
}

/**
 * What stands for somebody without a picture.
 * @param {string} name
 */
export function initial(name) {
  return characters(oneLine(name)).find((one) => VISIBLE.test(one))?.toUpperCase() ?? "?";
}

/**
 * A file's name without anything that hides or reorders a part of it: `{name, stem, ending}`; the ending has its dot.
 * @param {unknown} text
 */
export function fileName(text) {
  const name = oneLine(text).replace(HIDDEN, "").replace(/[\s\u2800]+/gu, " ").replace(/[ .]+$/u, "").trim();
  const ending = ENDING.exec(name)?.[0] ?? "";
  return { name, stem: name.slice(0, name.length - ending.length), ending };
}

/**
 * A file's name to show: shortened in its middle, never at its ending.
 * @param {unknown} text
 */
export function shortFileName(text, most = SHORTENED) {
  const { stem, ending } = fileName(text);
  const all = characters(stem);
  const part = Math.floor(most / 3);
  return { stem: all.length > most ? [...all.slice(0, most - part), "…", ...all.slice(-part)].join("") : stem, ending };
}

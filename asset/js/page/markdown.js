// The marks of Markdown in what people write: which words are bold, code, a list or a quote. It makes a tree and no HTML, and takes
// time in proportion to the text's length, whatever the text is. What isn't surely a mark stays as it was written.

import { inlinesOf } from "./inline-marks.js";

/** @import { Inline } from "./inline-marks.js" */
/** @typedef {{ kind: "text", children: Inline[] }} TextBlock */
/** @typedef {{ kind: "code", text: string, language: string }} CodeBlock */
/** @typedef {{ kind: "quote", blocks: Block[] }} QuoteBlock */
/** @typedef {{ kind: "list", start: number | null, items: Block[][] }} ListBlock `start` is null where it has no numbers */
/** @typedef {TextBlock | CodeBlock | QuoteBlock | ListBlock} Block */

const DEEPEST = 4; // quotes and lists within one another

const FENCE = /^ {0,3}(`{3,})([^`]*)$/u;
const QUOTE = /^>(?: |$)/u;
const ITEM = /^( {0,3})(?:[-*•]|(\d{1,3})\.) +(?=\S)/u;
const ONLY_MARKS = /^[-*_•\s]*$/u;

/**
 * The blocks of a text, in order.
 * @param {string} text
 * @returns {Block[]}
 */
export const blocksOf = (text) => blocksIn(text.split("\n"), 0);

/**
 * @param {string[]} lines
 * @param {number} depth
 * @returns {Block[]}
 */
function blocksIn(lines, depth) {
  const ends = fenceEnds(lines);
  /** @type {Block[]} */
  const blocks = [];
  /** @type {string[]} */
  let plain = [];
  const flush = () => {
    const block = textOf(plain, blocks.length > 0);
    if (block) blocks.push(block);
    plain = [];
  };
  for (let at = 0; at < lines.length;) {
    const found = codeAt(lines, at, ends) ?? (depth < DEEPEST ? quoteAt(lines, at, depth) ?? listAt(lines, at, depth) : null);
    if (found) {
      while (plain.length && !plain[plain.length - 1].trim()) plain.pop();
      flush();
      blocks.push(found.block);
      at = found.next;
    } else plain.push(lines[at++]);
  }
  flush();
  return blocks;
}

/**
 * Lines that are nothing else; null where there is nothing to see.
 * @param {string[]} lines
 * @param {boolean} after whether they come after a block, which has its own distance to them
 * @returns {TextBlock | null}
 */
function textOf(lines, after) {
  let from = 0;
  while (after && from < lines.length && !lines[from].trim()) from++;
  const text = lines.slice(from).join("\n");
  return text ? { kind: "text", children: inlinesOf(text) } : null;
}

/**
 * For each line the next one, itself or after it, that can end a block of code; -1 where none is.
 * @param {string[]} lines
 */
function fenceEnds(lines) {
  const ends = new Array(lines.length);
  let next = -1;
  for (let at = lines.length - 1; at >= 0; at--) {
    if (/^ {0,3}`{3,}\s*$/u.test(lines[at])) next = at;
    ends[at] = next;
  }
  return ends;
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @param {number[]} ends
 * @returns {{ block: CodeBlock, next: number } | null}
 */
function codeAt(lines, at, ends) {
  const fence = FENCE.exec(lines[at]);
  const end = ends[at + 1] ?? -1;
  if (!fence || end < 0 || lines[end].trim().length < fence[1].length) return null;
  const text = lines.slice(at + 1, end).join("\n");
  return { block: { kind: "code", text, language: fence[2].trim().split(/\s/u)[0].toLowerCase() }, next: end + 1 };
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @param {number} depth
 * @returns {{ block: QuoteBlock, next: number } | null}
 */
function quoteAt(lines, at, depth) {
  let next = at;
  while (next < lines.length && QUOTE.test(lines[next])) next++;
  const within = lines.slice(at, next).map((line) => line.slice(2));
  if (!within.some((line) => line.trim())) return null;
  return { block: { kind: "quote", blocks: blocksIn(within, depth + 1) }, next };
}

/**
 * A list: its items, each with the lines below it that are indented.
 * @param {string[]} lines
 * @param {number} at
 * @param {number} depth
 * @returns {{ block: ListBlock, next: number } | null}
 */
function listAt(lines, at, depth) {
  const first = itemOf(lines[at]);
  if (!first) return null;
  /** @type {string[][]} */
  const items = [];
  let next = at;
  for (let line = lines[next]; next < lines.length; line = lines[++next]) {
    const item = itemOf(line);
    if (item && item.indent < first.indent + 2) {
      if ((item.number === null) !== (first.number === null)) break;
      if (item.number !== null && item.number !== (first.number ?? 0) + items.length) break;
      items.push([item.text]);
    } else if (next > at && line.trim() && indentOf(line) >= first.indent + 2) {
      items[items.length - 1].push(line.slice(line.startsWith("\t") ? 1 : Math.min(indentOf(line), first.width)));
    } else break;
  }
  return { block: { kind: "list", start: first.number, items: items.map((one) => blocksIn(one, depth + 1)) }, next };
}

/** @param {string} line */
function itemOf(line) {
  const found = ITEM.exec(line);
  if (!found || ONLY_MARKS.test(line)) return null;
  return { indent: found[1].length, width: found[0].length, number: found[2] ? Number(found[2]) : null, text: line.slice(found[0].length) };
}

/** @param {string} line */
const indentOf = (line) => (line.startsWith("\t") ? 4 : line.length - line.trimStart().length);

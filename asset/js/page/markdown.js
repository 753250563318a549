// The marks of Markdown in what people write: which words are bold, code, a list or a quote. It makes a tree and no HTML, and takes
// time in proportion to the text's length, whatever the text is. What isn't surely a mark stays as it was written.

import { linksIn } from "./links.js";

/** @typedef {"bold" | "italic" | "strike"} Mark */
/** @typedef {string | { kind: Mark, children: Inline[] } | { kind: "code" | "link", text: string }} Inline */
/** @typedef {{ kind: "text", children: Inline[] }} TextBlock */
/** @typedef {{ kind: "code", text: string, language: string }} CodeBlock */
/** @typedef {{ kind: "quote", blocks: Block[] }} QuoteBlock */
/** @typedef {{ kind: "list", start: number | null, items: Block[][] }} ListBlock `start` is null where it has no numbers */
/** @typedef {TextBlock | CodeBlock | QuoteBlock | ListBlock} Block */

const DEEPEST = 4; // quotes and lists within one another
const OPEN = 12; // marks that wait for their end; of more the first is no mark

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

const RUN = /[*_~`]/u;
const SPACE = /\s/u;
const PLAIN_WORD = /[a-z0-9]/iu;
const SEEN = /[\p{L}\p{N}\p{Extended_Pictographic}]/u;
const NEITHER = { opens: false, closes: false };
/** @type {Record<string, Mark>} */
const KINDS = { "*1": "italic", "*2": "bold", "_1": "italic", "~2": "strike" };
/** An underscore is a mark only between these: in `snake_case` and `^_^` it is none. */
const BEFORE = /[\s([{"'“‘«„「『（【《*~,.:;!?、，。：；！？—]/u;
const AFTER = /[\s)\]}"'”’»“」』）】》*~,.:;!?、，。：；！？—…]/u;

/**
 * A mark that has begun, and what has come since; the first of them is none.
 * @typedef {{ sign: string, size: number, children: Inline[] }} Opened
 */

/**
 * The words of a block, with their marks. None goes over an empty line.
 * @param {string} text
 * @returns {Inline[]}
 */
export function inlinesOf(text) {
  /** @type {Inline[]} */
  const all = [];
  text.split(/(\n[^\S\n]*\n\s*)/u).forEach((part, at) => {
    if (at % 2) add(all, part);
    else if (part) new Line(part).read().forEach((one) => add(all, one));
  });
  return all;
}

class Line {
  #text; #links; #ticks;
  /** @type {Opened[]} */
  #open = [{ sign: "", size: 0, children: [] }];

  /** @param {string} text */
  constructor(text) {
    this.#text = text;
    this.#links = linksIn(text);
    this.#ticks = ticksIn(text);
  }

  read() {
    const text = this.#text;
    let [from, link] = [0, 0];
    for (let at = 0; at < text.length;) {
      while (link < this.#links.length && this.#links[link].from < at) link++;
      const isLink = this.#links[link]?.from === at;
      if (!isLink && !RUN.test(text[at])) { at++; continue; }
      this.#say(text.slice(from, at));
      if (isLink) {
        at = this.#links[link].to;
        this.#add({ kind: "link", text: text.slice(this.#links[link].from, at) });
      } else at = text[at] === "`" ? this.#code(at) : this.#mark(at);
      from = at;
    }
    this.#say(text.slice(from));
    while (this.#open.length > 1) this.#giveUp(this.#open.length - 1);
    return this.#open[0].children;
  }

  /** @param {string} text */
  #say(text) { if (text) this.#add(text); }

  /** @param {Inline} one */
  #add(one) { add(this.#open[this.#open.length - 1].children, one); }

  /**
   * Code ends with as many ticks as it began with; without such an end it is none.
   * @param {number} at
   */
  #code(at) {
    const begin = endOfRun(this.#text, at);
    const end = this.#isEscaped(at) ? undefined : this.#ticks.get(at);
    if (end === undefined) {
      this.#say(this.#text.slice(at, begin));
      return begin;
    }
    this.#add({ kind: "code", text: this.#text.slice(begin, end).replace(/^ (?=.*\S)([^]*) $/u, "$1") });
    return end + begin - at;
  }

  /**
   * A run of stars, underscores or tildes ends what the same sign has begun, or begins something, or is text.
   * @param {number} at
   */
  #mark(at) {
    const to = endOfRun(this.#text, at);
    const sign = this.#text[at];
    const { opens, closes } = this.#isEscaped(at) ? NEITHER : this.#sides(sign, at, to);
    let size = to - at;
    if (size > 3 || (sign === "_" && size > 1) || (sign === "~" && size !== 2)) {
      this.#say(this.#text.slice(at, to));
      return to;
    }
    while (closes && size) {
      const last = this.#open.findLastIndex((one) => one.sign === sign && one.size <= size);
      if (last < 0) break;
      const taken = this.#open[last].size;
      if (this.#end(last)) size -= taken;
    }
    if (!opens) this.#say(sign.repeat(size));
    else for (const part of size === 3 ? [2, 1] : size ? [size] : []) this.#begin(sign, part);
    return to;
  }

  /**
   * @param {string} sign
   * @param {number} from
   * @param {number} to
   */
  #sides(sign, from, to) {
    const [before, after] = [this.#text[from - 1] ?? " ", this.#text[to] ?? " "];
    if (sign === "_") return { opens: BEFORE.test(before) && !SPACE.test(after), closes: AFTER.test(after) && !SPACE.test(before) };
    if (PLAIN_WORD.test(before) && PLAIN_WORD.test(after)) return NEITHER;
    return { opens: !SPACE.test(after), closes: !SPACE.test(before) };
  }

  /** @param {number} at */
  #isEscaped(at) { return this.#text[at - 1] === "\\"; }

  /**
   * @param {string} sign
   * @param {number} size
   */
  #begin(sign, size) {
    if (this.#open.length > OPEN) this.#giveUp(1);
    this.#open.push({ sign, size, children: [] });
  }
  /**
   * Ends what was opened at `index`, and whatever in it was not ended. False where there is nothing to see in it: then it is no mark.
   * @param {number} index
   */
  #end(index) {
    while (this.#open.length > index + 1) this.#giveUp(this.#open.length - 1);
    const { sign, size, children } = this.#open[index];
    if (!children.some((one) => typeof one !== "string" || SEEN.test(one))) {
      this.#giveUp(index);
      return false;
    }
    this.#open.pop();
    this.#add({ kind: KINDS[sign + size], children });
    return true;
  }

  /**
   * What was opened at `index` is no mark after all.
   * @param {number} index
   */
  #giveUp(index) {
    const [{ sign, size, children }] = this.#open.splice(index, 1);
    const before = this.#open[index - 1].children;
    add(before, sign.repeat(size));
    for (const one of children) add(before, one);
  }
}

/**
 * Adds to a list in which no text stands directly after another.
 * @param {Inline[]} list
 * @param {Inline} one
 */
function add(list, one) {
  const last = list[list.length - 1];
  if (typeof one === "string" && typeof last === "string") list[list.length - 1] = last + one;
  else list.push(one);
}

/**
 * @param {string} text
 * @param {number} from
 */
function endOfRun(text, from) {
  let to = from;
  while (text[to] === text[from] && to < text.length) to++;
  return to;
}

/**
 * Where each run of ticks begins, and where the next one of the same length does.
 * @param {string} text
 * @returns {Map<number, number>}
 */
function ticksIn(text) {
  const next = new Map();
  const last = new Map();
  for (const { 0: run, index } of text.matchAll(/`+/gu)) {
    if (last.has(run.length)) next.set(last.get(run.length), index);
    last.set(run.length, index);
  }
  return next;
}

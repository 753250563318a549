// The marks of Markdown within a line of words: bold, italic, struck out, code; and addresses. See markdown.js.

import { linksIn } from "./links.js";

/** @typedef {"bold" | "italic" | "strike"} Mark */
/** @typedef {string | { kind: Mark, children: Inline[] } | { kind: "code" | "link", text: string }} Inline */

const OPEN = 12; // marks that wait for their end; of more the first is no mark

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

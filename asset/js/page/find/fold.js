// Texts as the server's search compares them: case, width and accents don't matter (twim/storage/search/folding.py), a word
// is found by its beginning, and what is in a script that doesn't part words anywhere.

// Plain letters together, which fold one by one; any other letter with what belongs to it: marks, the sound marks of
// half-width kana, the parts of a Hangul syllable.
const LETTERS = /[\0-\x7f]+(?![\p{M}\uff9e\uff9f])|[\u1100-\u115f]+[\u1160-\u11a7]*[\u11a8-\u11ff]*|\P{M}?[\p{M}\uff9e\uff9f]+|[^]/gu;
// Marks that make no other letter: those of Latin, Greek, Cyrillic, Hebrew and Arabic, and such as stand with all scripts.
const ACCENTS = new RegExp(`[${[
  "\\u0300-\\u0333\\u0339-\\u036f\\u0483-\\u0487\\u0591-\\u05bd\\u05bf\\u05c1\\u05c2\\u05c4\\u05c5\\u05c7",
  "\\u0610-\\u061a\\u064b-\\u065f\\u0670\\u06d6-\\u06dc\\u06df-\\u06e4\\u06e7\\u06e8\\u06ea-\\u06ed\\u0711\\u0730-\\u074a",
  "\\u0951-\\u0954\\u1ab0-\\u1abd\\u1dc0-\\u1dff\\u20d0\\u20d1\\u20d4-\\u20d7\\u20db\\u20dc\\u20e1\\u20e7-\\u20e9\\u20f0\\ufe20-\\ufe2f",
].join("")}]`, "gu");
const INVISIBLE = /(?!\u200b)\p{Cf}|[\ufe00-\ufe0f\u{e0000}-\u{e0fff}\u0640]/gu;
const STROKES = new Map([["ø", "o"], ["ł", "l"], ["đ", "d"], ["ħ", "h"], ["ŧ", "t"], ["ı", "i"]]);
const STROKED = /[øłđħŧı]/gu;
const ASCII = /^\p{ASCII}*$/u;

// Scripts that don't part words; signs, emoji among them, count to these.
const SCRIPTS = ["Han", "Hiragana", "Katakana", "Bopomofo", "Thai", "Lao", "Tibetan", "Myanmar", "Khmer"];
const UNPARTED = `${SCRIPTS.map((name) => `\\p{Script=${name}}`).join("")}\\u30fc\\p{So}`;
const PIECES = new RegExp(`[\\p{L}\\p{N}\\p{M}${UNPARTED}]+`, "gu");
const IN_WORD = new RegExp(`^(?![${UNPARTED}])[\\p{L}\\p{N}\\p{M}]$`, "u");

/** @param {string} text */
const lowered = (text) => Array.from(text.toLowerCase(), (one) => one.toUpperCase().toLowerCase()).join("");

/**
 * The text as it is compared.
 * @param {string} text
 */
export function fold(text) {
  if (ASCII.test(text)) return text.toLowerCase();
  const apart = lowered(text.normalize("NFKC")).normalize("NFKD").replace(ACCENTS, "").replace(INVISIBLE, "");
  return lowered(apart.replace(STROKED, (one) => STROKES.get(one) ?? one)).normalize("NFKC");
}

/**
 * What is looked for in `words`, each once.
 * @param {string} words
 */
export const piecesOf = (words) => [...new Set(fold(words).match(PIECES) ?? [])];

/**
 * A text, folded, and from where to where in the text itself each of its code units was: `starts[at]` to `ends[at]`.
 * @param {string} text
 */
function mapped(text) {
  let folded = "";
  /** @type {number[]} */
  const starts = [];
  /** @type {number[]} */
  const ends = [];
  for (const { 0: letter, index } of text.matchAll(LETTERS)) {
    const one = fold(letter);
    const each = one.length === letter.length && ASCII.test(letter);
    for (let unit = 0; unit < one.length; unit++) {
      starts.push(each ? index + unit : index);
      ends.push(each ? index + unit + 1 : index + letter.length);
    }
    folded += one;
  }
  return { folded, starts, ends };
}

/**
 * Where a piece begins in a folded text.
 * @param {string} folded
 * @param {string} piece
 * @returns {number[]}
 */
function beginnings(folded, piece) {
  const whole = IN_WORD.test(first(piece));
  /** @type {number[]} */
  const found = [];
  for (let at = folded.indexOf(piece); at >= 0; at = folded.indexOf(piece, at + 1)) {
    if (!whole || !IN_WORD.test(last(folded.slice(Math.max(0, at - 2), at)))) found.push(at);
  }
  return found;
}

/** @param {string} text */
const first = (text) => String.fromCodePoint(text.codePointAt(0) ?? 0);

/** @param {string} text */
const last = (text) => Array.from(text).at(-1) ?? "";

/**
 * Where in `text` the pieces are that are looked for, in order, none in another.
 * @param {string} text
 * @param {string[]} pieces of `piecesOf`
 * @returns {{ from: number, to: number }[]}
 */
export function marksIn(text, pieces) {
  const { folded, starts, ends } = mapped(text);
  const all = pieces.flatMap((piece) => beginnings(folded, piece).map((at) => ({ from: starts[at], to: ends[at + piece.length - 1] })));
  all.sort((a, b) => a.from - b.from || b.to - a.to);
  /** @type {{ from: number, to: number }[]} */
  const marks = [];
  for (const mark of all) {
    const before = marks.at(-1);
    if (before && mark.from < before.to) before.to = Math.max(before.to, mark.to);
    else marks.push({ ...mark });
  }
  return marks;
}

/**
 * Whether a folded text has all of the pieces.
 * @param {string} folded
 * @param {string[]} pieces of `piecesOf`; none are in no text
 */
export function hasAll(folded, pieces) {
  return pieces.length > 0 && pieces.every((piece) => beginnings(folded, piece).length > 0);
}

const BEFORE = 24; // characters of a long text that are shown before the first word that was found
const SHOWN = 160; // characters of a text that are shown

/**
 * The part of a text around the first word that was found, cut into what is marked and what isn't.
 * @param {string} text
 * @param {string[]} pieces of `piecesOf`
 * @returns {{ text: string, marked: boolean }[]}
 */
export function excerpt(text, pieces, shown = SHOWN) {
  const marks = marksIn(text, pieces);
  const begin = marks.length && marks[0].from + BEFORE > shown / 2 ? wholeFrom(text, marks[0].from - BEFORE) : 0;
  const end = Math.min(text.length, wholeFrom(text, begin + shown));
  const parts = [{ text: begin ? "…" : "", marked: false }];
  let at = begin;
  for (const { from, to } of marks) {
    if (from < begin || from >= end) continue;
    parts.push({ text: text.slice(at, from), marked: false }, { text: text.slice(from, Math.min(to, end)), marked: true });
    at = Math.min(to, end);
  }
  parts.push({ text: text.slice(at, end), marked: false }, { text: end < text.length ? "…" : "", marked: false });
  return parts.filter((part) => part.text);
}

/**
 * `at`, or the place after it where no character is cut in two.
 * @param {string} text
 * @param {number} at
 */
function wholeFrom(text, at) {
  const place = Math.max(0, at);
  return /[\udc00-\udfff\p{M}\u200d]/u.test(text[place] ?? "") ? place + 1 : place;
}

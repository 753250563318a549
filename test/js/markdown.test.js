import assert from "node:assert/strict";
import { test } from "node:test";

import { coloured } from "../../asset/js/page/code-colours.js";
import { blocksOf } from "../../asset/js/page/markdown.js";

const TAGS = { bold: "b", italic: "i", strike: "s", code: "code", link: "a" };

/** A text's tree as one line, for reading: `<b>bold</b>`, `[quote …]`. */
function shown(text) { return blocksOf(text).map(block).join("|"); }

function block(one) {
  if (one.kind === "text") return one.children.map(inline).join("");
  if (one.kind === "code") return `[code${one.language && ` ${one.language}`} ${one.text}]`;
  if (one.kind === "quote") return `[quote ${one.blocks.map(block).join("|")}]`;
  return `[list${one.start === null ? "" : ` ${one.start}`} ${one.items.map((item) => item.map(block).join("|")).join("; ")}]`;
}

function inline(one) {
  if (typeof one === "string") return one;
  return `<${TAGS[one.kind]}>${one.children ? one.children.map(inline).join("") : one.text}</${TAGS[one.kind]}>`;
}

/** How deep a tree is. */
const depth = (one) => (typeof one === "string" ? 0 : 1 + Math.max(0, ...(one.children ?? one.blocks ?? one.items?.flat() ?? []).map(depth)));

const MARKS = [
  ["**bold** *italic* _italic_ ~~gone~~ `code`", "<b>bold</b> <i>italic</i> <i>italic</i> <s>gone</s> <code>code</code>"],
  ["***both*** and **bold *and italic***", "<b><i>both</i></b> and <b>bold <i>and italic</i></b>"],
  ["*it **bold** it*, ~~**x**~~", "<i>it <b>bold</b> it</i>, <s><b>x</b></s>"],
  ["这是**重点**内容，_不是_。", "这是<b>重点</b>内容，<i>不是</i>。"],
  ["_好_ **שלום** *مرحبا*", "<i>好</i> <b>שלום</b> <i>مرحبا</i>"],
  ["`*no*` ``a`b`` ` x ` `` ` ``", "<code>*no*</code> <code>a`b</code> <code>x</code> <code>`</code>"],
  ["```one line```", "<code>one line</code>"],
  ["**https://x.example/a_b_c**", "<b><a>https://x.example/a_b_c</a></b>"],
  ["https://x.example/*a* *b*", "<a>https://x.example/*a</a>* <i>b</i>"],
  ["`https://x.example`", "<code>https://x.example</code>"],
  ["**@Anna** and @Bo_B_", "<b>@Anna</b> and @Bo_B_"],
  ["*over\na line* but *not\n\nthis*", "<i>over\na line</i> but *not\n\nthis*"],
];

test("marks are understood, also within one another and in any script", () => {
  for (const [text, wanted] of MARKS) assert.equal(shown(text), wanted);
});

const PLAIN = [
  "2*3*4 and 2 * 3 * 4", "f(*args, **kwargs)", "snake_case_name __init__.py _x", "a * b", "** bold **", "*", "**", "****", "~~", "~~~x~~~", "`", "``a`",
  "¯\\_(ツ)_/¯", "\\*not\\*", "^_^ nice ^_^", "(*^_^*)", ">_< >.<", ">100 people", "->", "-5", "1.5", "2026. was good", "#1", "# no heading",
  "- ", "* * *", "---", "5 - 3", "```js\nnever ended", "~5 to ~10", "| a | b |", "[words](elsewhere)", "<b>html</b> &amp;", " two  spaces\n\n\nlines ",
];

test("what isn't surely a mark stays as it was written", () => {
  for (const text of PLAIN) assert.equal(shown(text), text);
});

const BLOCKS = [
  ["so:\n```js\nconst *a* = 1;\n\n> b\n```\nend", "so:|[code js const *a* = 1;\n\n> b]|end"],
  ["> a\n> *b*\n>\n> c\nanswer", "[quote a\n<i>b</i>\n\nc]|answer"],
  ["> > in\n> out", "[quote [quote in]|out]"],
  ["buy\n\n- milk\n- **eggs**\n\nthanks", "buy|[list milk; <b>eggs</b>]|thanks"],
  ["3. c\n4. d\n9. z", "[list 3 c; d]|[list 9 z]"],
  ["- a\n  - b\n    more\n  - c\n- d", "[list a|[list b\nmore; c]; d]"],
  ["1. a\n   ```\n   x\n   ```", "[list 1 a|[code x]]"],
  ["* a\n1. b", "[list a]|[list 1 b]"],
  ["> - a\n> - b", "[quote [list a; b]]"],
];

test("blocks are code, quotes and lists", () => {
  for (const [text, wanted] of BLOCKS) assert.equal(shown(text), wanted);
});

const HOSTILE = ["*", "_", "~", "`", "*a ", "**a ", "*a* ", "**a *b ", "_a ", "~~a ", "`a ``b ", "*^*^", "(*(", "> ", ">", "- ", "  - ", "1. a\n", "- a\n", "> a\n",
  "```\n", "```a\n", "````\n```\n", "\n", " \n", "\\*", "[", "@a", "https://", "https://x.example/*", "***a** b*", "*a\n\n"];

test("whatever is written, nothing is deep and every character but marks is kept", () => {
  for (const piece of HOSTILE) {
    const text = piece.repeat(10_000);
    const blocks = blocksOf(text);
    assert.ok(blocks.every((one) => depth(one) < 40), piece);
    const kept = JSON.stringify(blocks).replace(/[^a-z]/g, "").length;
    assert.ok(kept >= text.replace(/[^a-z]/g, "").length, piece);
  }
  assert.equal(shown("*".repeat(10_000)), "*".repeat(10_000));
});

test("the work for a text grows with its length, and not faster", () => {
  const work = (text) => {
    let steps = 0;
    const { push } = Array.prototype;
    Array.prototype.push = function counted(...all) { steps += all.length; return push.apply(this, all); };
    try { blocksOf(text); } finally { Array.prototype.push = push; }
    return steps;
  };
  for (const piece of HOSTILE) assert.ok(work(piece.repeat(8_000)) <= 4.5 * work(piece.repeat(2_000)) + 100, piece);
});

test("code has colours for strings, comments, numbers and keywords, in languages that are named", () => {
  const code = "const a = 'x\\'y'; // it's 5\nreturn 5.5 /* no end";
  const parts = coloured(code, "js");
  assert.equal(parts.map(({ text }) => text).join(""), code);
  assert.deepEqual(parts.filter(({ colour }) => colour).map(({ text, colour }) => [colour, text]), [["keyword", "const"], ["string", "'x\\'y'"],
    ["comment", "// it's 5"], ["keyword", "return"], ["number", "5.5"], ["comment", "/* no end"]]);
  assert.deepEqual(coloured("# a 'b\nif x", "py").map(({ colour }) => colour), ["comment", undefined, "keyword", undefined]);
  assert.deepEqual(coloured("SELECT a -- b", "sql").map(({ colour }) => colour), ["keyword", undefined, "comment"]);
  assert.deepEqual(coloured(code, ""), [{ text: code }]);
  assert.deepEqual(coloured(code, "constructor"), [{ text: code }]);
  for (const piece of ['"', "'", "`", "/*", "\\", "\"\\", "#", "a", "1", "/"]) {
    for (const language of ["js", "py", "sql"]) assert.equal(coloured(piece.repeat(10_000), language).map(({ text }) => text).join("").length, piece.length * 10_000);
  }
});

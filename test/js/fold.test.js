import assert from "node:assert/strict";
import { test } from "node:test";

import { excerpt, fold, hasAll, marksIn, piecesOf } from "../../asset/js/page/find/fold.js";

/** What is marked of a text for some words. */
const marked = (text, words) => marksIn(text, piecesOf(words)).map(({ from, to }) => text.slice(from, to));
const shown = (text, words, length) =>
  excerpt(text, piecesOf(words), length).map((part) => (part.marked ? `[${part.text}]` : part.text)).join("");

test("case, width and accents don't matter, as on the server", () => {
  for (const [text, folded] of [["Crème BRÛLÉE", "creme brulee"], ["Ｆｕｌｌ　ｗｉｄｔｈ", "full width"], ["Straße", "strasse"], ["ΟΔΟΣ", "οδοσ"],
    ["İstanbul ılık", "istanbul ilik"], ["Łódź", "lodz"], ["ёлка", "елка"], ["שָׁלוֹם", "שלום"], ["ﬁne", "fine"], ["ｶﾞ", "ガ"], ["が", "が"],
    ["soft\u00adware", "software"], ["한글".normalize("NFD"), "한글"]]) {
    assert.equal(fold(text), folded);
  }
  assert.notEqual(fold("が"), fold("か"));
});

test("a word is marked by its beginning, in a script that parts no words anywhere", () => {
  assert.deepEqual(marked("Snowman, snow and a nowhere", "snow"), ["Snow", "snow"]);
  assert.deepEqual(marked("now, snow", "now"), ["now"]);
  assert.deepEqual(marked("今天下雪了", "下雪"), ["下雪"]);
  assert.deepEqual(marked("Crème brûlée", "BRULEE creme"), ["Crème", "brûlée"]);
  assert.deepEqual(marked("e\u0301te\u0301 — été", "ete"), ["e\u0301te\u0301", "été"]);
  assert.deepEqual(marked("Die Straße", "strass"), ["Straß"]);
  assert.deepEqual(marked("ｶﾞラス", "ガラス"), ["ｶﾞラス"]);
  assert.deepEqual(marked("aaa", "a aa"), ["aa"]);
  assert.deepEqual(marked("anything", "…!"), []);
});

test("a name is found by all of the words, in any order", () => {
  assert.ok(hasAll(fold("Anna Maria Berg"), piecesOf("ber an")));
  assert.ok(!hasAll(fold("Anna Berg"), piecesOf("anna x")));
  assert.ok(!hasAll(fold("Anna"), piecesOf(" ")));
  assert.ok(hasAll(fold("王小明"), piecesOf("小明")));
});

test("of a long text the part around the first word is shown", () => {
  assert.equal(shown("a short snow text", "snow"), "a short [snow] text");
  const long = `${"word ".repeat(60)}Snow falls ${"word ".repeat(60)}`;
  const part = shown(long, "snow", 60);
  assert.ok(part.startsWith("…") && part.endsWith("…") && part.includes("[Snow] falls") && part.length < 80, part);
  assert.equal(shown("🎉".repeat(100), "x", 5), `${"🎉".repeat(3)}…`);
});

test("a text of the longest kind is folded and marked in a moment", () => {
  const text = "Crème brûlée 今天下雪了 ".repeat(400);
  assert.equal(marksIn(text, piecesOf("brulee 下雪")).length, 800);
});

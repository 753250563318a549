import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { MemoryStorage } from "../../asset/js/im/environment.js";
import { EmojiChoices, RECENT } from "../../asset/js/page/compose/emoji-choices.js";
import { groupsOf, search, toned } from "../../asset/js/page/compose/emoji-data.js";
import { EMOJI } from "../../asset/js/page/compose/emoji-list.js";

const given = JSON.parse(readFileSync(new URL("../../asset/emoji.json", import.meta.url), "utf8"));
const groups = groupsOf(given, "en");
const all = groups.flatMap(({ emoji }) => emoji);
const found = (words) => search(groups, words).map(({ emoji }) => emoji);

test("each is an emoji, stands once, and those that have names in messages are among them", () => {
  const isEmoji = new RegExp("^\\p{RGI_Emoji}$", "v");
  assert.deepEqual(all.filter(({ emoji }) => !isEmoji.test(emoji)), []);
  const faces = all.map(({ emoji }) => emoji);
  assert.equal(new Set(faces).size, faces.length);
  assert.ok(faces.length > 1500);
  assert.deepEqual(Object.values(EMOJI).filter((emoji) => !faces.includes(emoji)), []);
  const words = Object.values(given.zh).flatMap((text) => text.split(" "));
  assert.deepEqual(words.filter((emoji) => !faces.includes(emoji)), []);
});

test("they are found in both languages, words at a beginning first, flags by their countries", () => {
  assert.equal(found("crying face")[0], "😢");
  assert.ok(found("猫").includes("🐱"));
  assert.deepEqual(found("germany"), ["🇩🇪"]);
  assert.deepEqual(found("德国"), ["🇩🇪"]);
  assert.equal(search(groups, "cat")[0].words.startsWith("cat") || search(groups, "cat")[0].words.includes(" cat"), true);
  assert.deepEqual(found("no such thing"), []);
  assert.equal(groupsOf(given, "zh")[0].emoji.find(({ emoji }) => emoji === "😂").name, "笑、哈哈、大笑");
});

test("skin tones go to hands and people alone", () => {
  assert.deepEqual([toned("👍", 3), toned("✌️", 1), toned("👍", 0), toned("😀", 3), toned("🐱", 5)], ["👍🏽", "✌🏻", "👍", "😀", "🐱"]);
});

test("the newest are remembered with the tone, each once; a storage may hold anything", () => {
  const store = new MemoryStorage();
  const choices = new EmojiChoices(1, store);
  all.slice(0, 40).forEach(({ emoji }) => choices.use(emoji));
  choices.use(all[30].emoji);
  choices.tone = 4;
  const again = new EmojiChoices(1, store);
  assert.deepEqual([again.recent.length, again.recent[0], again.recent[1], again.tone], [RECENT, all[30].emoji, all[39].emoji, 4]);
  assert.deepEqual(new EmojiChoices(2, store).recent, []);
  for (const text of ["{", "[]", '{"recent":3}', '{"recent":[1,"' + "x".repeat(99) + '"],"tone":9}', "null"]) {
    store.setItem("im:1:emoji", text);
    assert.deepEqual([choices.recent, choices.tone], [[], 0], text);
  }
  const refused = { getItem: () => { throw new Error("refused"); }, setItem: () => { throw new Error("refused"); } };
  const none = new EmojiChoices(1, refused);
  none.use("😀");
  assert.deepEqual(none.recent, []);
});

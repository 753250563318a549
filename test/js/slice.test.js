import assert from "node:assert/strict";
import { test } from "node:test";

import { Conversation } from "../../asset/js/im/conversation.js";
import { NewMark } from "../../asset/js/page/talk/new-mark.js";
import { AROUND, BEGIN, MOST, STEP, Slice } from "../../asset/js/page/talk/slice.js";
import { text, texts } from "./world.js";

const REACTION = 22;
const isRow = ({ media }) => media !== REACTION;

/** A conversation that holds the messages 1 to `count`, and a slice of it. */
function rig(count) {
  const conversation = new Conversation(10, 2, 0, 1);
  conversation.reading = true; // all of them are kept
  texts(1, count).forEach((message) => conversation.receive(message));
  return { conversation, slice: new Slice(isRow) };
}

/** The first and the last message of a slice; it has all that are between. */
function ends(slice, conversation, following = false) {
  const { messages } = slice.of(conversation, following);
  const seqs = messages.map(({ seq }) => seq);
  const rows = [...conversation.messages()].filter((one) => isRow(one) && one.seq >= seqs[0] && one.seq <= seqs.at(-1));
  assert.deepEqual(seqs, rows.map(({ seq }) => seq));
  assert.ok(seqs.length <= MOST);
  return [seqs[0], seqs.at(-1)];
}

test("a slice begins at the end, and follows it", () => {
  const { conversation, slice } = rig(1000);
  slice.toEnd(conversation);
  assert.deepEqual([ends(slice, conversation, true), slice.open], [[1001 - BEGIN, 1000], true]);
  texts(1001, 1500).forEach((message) => conversation.receive(message));
  assert.deepEqual([ends(slice, conversation, true), slice.open], [[1501 - MOST, 1500], true]);
});

test("on the way up rows are let go below, and on the way down above, until the end is reached again", () => {
  const { conversation, slice } = rig(1000);
  slice.toEnd(conversation);
  const ways = [];
  while (slice.up(conversation)) ways.push(ends(slice, conversation)[0]);
  assert.deepEqual([ways[0], ways.at(-1), ends(slice, conversation)], [1001 - BEGIN - STEP, 1, [1, MOST]]);
  assert.equal(slice.open, false);
  while (slice.down(conversation)) ends(slice, conversation);
  assert.deepEqual([ends(slice, conversation), slice.open], [[1001 - MOST, 1000], true]);
});

test("what is new is in it only where there is space, and never moves what somebody reads", () => {
  const { conversation, slice } = rig(100);
  slice.toEnd(conversation);
  slice.up(conversation);
  texts(101, 1000).forEach((message) => conversation.receive(message));
  const first = 101 - BEGIN - STEP;
  assert.deepEqual([ends(slice, conversation), slice.open], [[first, first + MOST - 1], false]);
  texts(1001, 1010).forEach((message) => conversation.receive(message));
  assert.deepEqual(ends(slice, conversation), [first, first + MOST - 1]);
});

test("a slice around a message has rows on both sides, and is open where the end is near", () => {
  const { conversation, slice } = rig(1000);
  slice.around(conversation, 500);
  assert.deepEqual([ends(slice, conversation), slice.open], [[501 - BEGIN, 500 + BEGIN], false]);
  slice.around(conversation, 500, AROUND);
  assert.deepEqual(ends(slice, conversation), [501 - AROUND, 500 + AROUND]);
  slice.around(conversation, 990);
  assert.deepEqual([ends(slice, conversation), slice.open], [[991 - BEGIN, 1000], true]);
  slice.around(conversation, 3);
  assert.deepEqual([ends(slice, conversation)[0], slice.up(conversation)], [1, false]);
});

test("a part of the past that was gone to has an end of its own, until the newest messages are reached", () => {
  const { conversation, slice } = rig(10);
  conversation.jump(texts(400, 450), 1000);
  slice.around(conversation, 425);
  assert.deepEqual([ends(slice, conversation), slice.open], [[400, 450], false]);
  conversation.extend(texts(451, 500));
  assert.deepEqual(ends(slice, conversation), [400, 450]);
  assert.equal(slice.down(conversation), true);
  assert.deepEqual([ends(slice, conversation), slice.open], [[400, 450 + STEP], false]);
  conversation.extend(texts(501, 1000));
  while (slice.down(conversation)) ends(slice, conversation);
  assert.equal(slice.open, true);
});

test("an older page is added above what is shown", () => {
  const conversation = new Conversation(10, 2, 100, 1);
  const slice = new Slice(isRow);
  slice.toEnd(conversation);
  assert.deepEqual(slice.of(conversation, true), { before: null, messages: [] });
  conversation.prepend(texts(51, 100), 100);
  assert.equal(slice.up(conversation), true);
  assert.deepEqual(ends(slice, conversation, true), [101 - STEP, 100]);
  assert.deepEqual([slice.up(conversation), slice.up(conversation)], [true, false]);
  assert.deepEqual(ends(slice, conversation, true), [51, 100]);
});

test("messages without a row are not counted, and the row before the first is known", () => {
  const conversation = new Conversation(10, 2, 0, 1);
  for (let seq = 1; seq <= 400; seq++) {
    conversation.receive(seq % 2 ? text(seq) : text(seq, { media: REACTION, ref: 1, content: "🎉" }));
  }
  const slice = new Slice(isRow);
  slice.toEnd(conversation);
  const { before, messages } = slice.of(conversation, true);
  assert.deepEqual([before?.seq, messages.length, messages.at(-1)?.seq], [399 - 2 * BEGIN, BEGIN, 399]);
});

test("messages that are no longer held leave the slice", () => {
  const { conversation, slice } = rig(2100);
  slice.around(conversation, 50);
  assert.deepEqual(ends(slice, conversation), [1, 50 + BEGIN]);
  conversation.reading = false;
  conversation.trim();
  assert.deepEqual(slice.of(conversation, false).messages, []);
  slice.toEnd(conversation);
  assert.deepEqual(ends(slice, conversation, true), [2101 - BEGIN, 2100]);
});

test("the mark of new messages stands where reading ended, and moves on only unseen", () => {
  const mark = new NewMark();
  mark.begin({ head: 10, read: 7, unread: 3 }, true);
  mark.look({ head: 10, read: 7, unread: 3 }, true);
  assert.equal(mark.after, 7);
  mark.look({ head: 12, read: 12, unread: 0 }, true);
  mark.look({ head: 13, read: 12, unread: 1 }, true); // seen as it comes
  assert.equal(mark.after, 7);
  mark.look({ head: 13, read: 12, unread: 1 }, false);
  mark.look({ head: 14, read: 12, unread: 2 }, false);
  assert.equal(mark.after, 12);
  mark.clear();
  assert.equal(mark.after, Infinity);
});

test("a chat without unread messages has no mark, also one whose first message comes while it is open", () => {
  const mark = new NewMark();
  mark.begin({ head: 10, read: 10, unread: 0 }, true);
  mark.look({ head: 10, read: 10, unread: 0 }, false);
  assert.equal(mark.after, Infinity);
  mark.begin({ head: 0, read: 0, unread: 0 }, true);
  mark.look({ head: 1, read: 0, unread: 1 }, true);
  assert.equal(mark.after, Infinity);
});

test("a chat of which nothing is known when it is opened gets its mark once it is", () => {
  const mark = new NewMark();
  mark.begin({ head: 0, read: 0, unread: 0 }, false);
  mark.look({ head: 0, read: 0, unread: 0 }, true);
  mark.look({ head: 9, read: 4, unread: 5 }, true);
  assert.equal(mark.after, 4);
});

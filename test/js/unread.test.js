import assert from "node:assert/strict";
import { test } from "node:test";

import { EXACT, Unread } from "../../asset/js/im/unread.js";
import { text } from "./world.js";

const counted = ({ unread, mentions, unsure }) => [unread, mentions, unsure];
const after = (row, ...messages) => {
  const unread = new Unread(1);
  if (row) unread.adopt(row);
  messages.forEach((message) => unread.take(message));
  return unread;
};

test("what others say is counted, with those who name me or everybody", () => {
  const messages = [text(1), text(2, { mentions: [1] }), text(3, { mentions: [0] }), text(4, { mentions: [7] })];
  assert.deepEqual(counted(after(null, ...messages)), [4, 2, false]);
});

test("sending reads all that came before", () => {
  assert.deepEqual(counted(after(null, text(1), text(2, { userid: 1, dstid: 2 }), text(3))), [1, 0, false]);
});

test("reading up to a message leaves those after it, and never goes back", () => {
  const unread = after(null, text(1), text(2), text(3));
  unread.readTo(2);
  unread.readTo(1);
  assert.deepEqual([unread.read, unread.unread], [2, 1]);
});

test("a recall takes its message out of the count; recalls, edits and reactions aren't counted themselves", () => {
  const recall = text(3, { media: 20, ref: 1 });
  assert.deepEqual(counted(after(null, text(1, { mentions: [1] }), text(2), recall)), [1, 0, false]);
});

test("an edit that names me is a mention from then on", () => {
  const edit = text(2, { media: 21, ref: 1, content: "now you", mentions: [1] });
  assert.deepEqual(counted(after(null, text(1), edit)), [1, 1, false]);
});

test("of the notices only the one of my removal is counted", () => {
  const notice = (seq, memo) => text(seq, { cmd: 11, media: 23, content: "removed", memo });
  assert.deepEqual(counted(after(null, notice(1, "5"), notice(2, "1"))), [1, 1, false]);
});

test("counts go on from a row, and what happened after it was read is applied to it", () => {
  const unread = after(null, ...[1, 2, 3].map((seq) => text(seq)), text(4, { media: 20, ref: 2 }));
  unread.adopt({ seq: 3, read: 0, unread: 3 });
  assert.deepEqual(counted(unread), [2, 0, false]);
});

test("where only the server knows, it says so until the next row", () => {
  const unread = after({ seq: 10, read: 0, unread: 7 });
  unread.readTo(5);
  assert.equal(unread.unsure, true);
  unread.adopt({ seq: 10, read: 5, unread: 4 });
  assert.deepEqual(counted(unread), [4, 0, false]);
  unread.skip(20);
  assert.equal(unread.unsure, true);
});

test("counts are exact to the bound, and one more means more", () => {
  const unread = after(null, ...Array.from({ length: EXACT + 500 }, (_, at) => text(at + 1)));
  assert.equal(unread.unread, EXACT + 1);
});

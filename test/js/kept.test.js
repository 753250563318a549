// What the page keeps of a conversation, and what the client makes of it before the server is reached.

import assert from "node:assert/strict";
import { test } from "node:test";

import { CHARACTERS, MESSAGES, merged, withoutUser } from "../../asset/js/page/kept/merge.js";
import { World, settled, text, texts } from "./world.js";

const seqs = (messages) => messages.map(({ seq }) => seq);

test("what is held goes on from what was kept, and replaces it where it doesn't", () => {
  assert.deepEqual(seqs(merged(texts(1, 5), texts(6, 8), 8)), [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(seqs(merged(texts(1, 5), texts(4, 6), 6)), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(seqs(merged(texts(1, 5), texts(7, 8), 8)), [7, 8]);
  assert.deepEqual(seqs(merged(texts(1, 5), [], 5)), [1, 2, 3, 4, 5]);
});

test("messages that don't reach the end aren't kept", () => {
  assert.deepEqual(merged(texts(1, 5), [], 6), []);
  assert.deepEqual(merged([], texts(1, 5), 6), []);
});

test("what is kept is bounded in number and in characters", () => {
  assert.deepEqual(seqs(merged([], texts(1, 80), 80)), seqs(texts(81 - MESSAGES, 80)));
  const large = texts(1, 4).map((message) => ({ ...message, content: "x".repeat(CHARACTERS / 3) }));
  assert.deepEqual(seqs(merged(large.slice(0, 2), large.slice(2), 4)), [3, 4]);
});

test("what was recalled or edited since isn't kept as it was", () => {
  const edit = { ...text(3), media: 21, ref: 2, content: "second" };
  const before = [text(1), text(2), edit, text(4)];
  const again = { ...text(5), media: 21, ref: 1, content: "new words" };
  const recall = { ...text(6), media: 20, ref: 2, content: "" };
  const kept = merged(before, [again, recall], 6);
  assert.deepEqual([kept[0].content, kept[1].recalled, kept[1].content, kept[2].content], ["new words", 1, undefined, undefined]);
  assert.equal(before[1].content, text(2).content);
});

test("nothing is left of what an erased user said", () => {
  const kept = withoutUser([text(1), { ...text(2), userid: 7, content: "gone" }], 7);
  assert.deepEqual([kept[0].content, kept[1].recalled, kept[1].content], [text(1).content, 1, undefined]);
});

const row = (more = {}) => ({ scope: 10, dstid: 2, seq: 5, read: 3, peerread: 2, unread: 2, mentions: 1, mute: 0, pin: 1, last: text(5), ...more });

test("a client shows what was kept before it reaches the server", () => {
  const client = new World().client();
  client.restore([{ row: row(), messages: texts(2, 5) }, { row: row({ dstid: 3, seq: 9 }), messages: texts(1, 5) }]);
  const [first, second] = [client.conversation(10, 2), client.conversation(10, 3)];
  assert.deepEqual(seqs([...first.messages()]), [2, 3, 4, 5]);
  assert.deepEqual([first.unread, first.mentions, first.read, first.peerread, first.pinned, first.apart], [2, 1, 3, 2, true, false]);
  assert.deepEqual([second.size, second.head], [0, 9]);
  assert.equal(client.conversations().length, 2);
});

test("once the server answers, what was kept begins anew, and what was read meanwhile is told", async () => {
  const world = new World();
  const fresh = row({ seq: 2, unread: 2, mentions: 0, read: 0, pin: 0, last: text(2) });
  world.conversations = [{ ...fresh, dstid: 4 }, row({ seq: 7, unread: 4, last: text(7) })];
  const client = world.client();
  const restarted = [];
  client.on("restarted", (which) => restarted.push(which));
  client.restore([{ row: row(), messages: texts(2, 5) }, { row: row({ dstid: 3 }), messages: [] }]);
  client.read(client.conversation(10, 2));
  client.start();
  await settled();
  const conversation = client.conversation(10, 2);
  assert.deepEqual([conversation.size, conversation.head, conversation.read], [0, 7, 5]);
  assert.deepEqual(client.conversations().map(({ dstid }) => dstid), [2, 4]);
  assert.deepEqual(restarted, [undefined]);
  world.socket.open();
  world.socket.say({ cmd: 4, epoch: "e1", rows: [row({ seq: 7, unread: 4, last: text(7) })] });
  assert.deepEqual(world.socket.sent.filter(({ cmd }) => cmd === 6), [{ cmd: 6, scope: 10, dstid: 2, seq: 5 }]);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { Conversation, EARLY_BOUND, KEEP } from "../../asset/js/im/conversation.js";
import { text, texts } from "./world.js";

const seqs = (messages) => [...messages].map(({ seq }) => seq);
const holding = (...messages) => {
  const conversation = new Conversation(10, 2, 0, 1);
  messages.flat().forEach((message) => conversation.receive(message));
  return conversation;
};

test("messages are shown in order, each once", () => {
  const conversation = holding();
  const shown = [2, 1, 1, 3, 5, 4, 5].map((seq) => seqs(conversation.receive(text(seq))));
  assert.deepEqual(shown, [[], [1, 2], [], [3], [], [4, 5], []]);
  assert.deepEqual([seqs(conversation.messages()), conversation.gap], [[1, 2, 3, 4, 5], false]);
});

test("a gap is known by the newest message, and few messages are held beyond it", () => {
  const conversation = holding(texts(2, 1000));
  assert.deepEqual([conversation.high, conversation.head, conversation.gap], [0, 1000, true]);
  assert.equal(conversation.receive(text(1)).length, EARLY_BOUND + 1);
});

test("the oldest messages are removed, but not while somebody reads", () => {
  const conversation = holding(texts(1, KEEP + 5));
  assert.deepEqual([conversation.size, conversation.low], [KEEP, 6]);
  conversation.reading = true;
  texts(KEEP + 6, KEEP + 10).forEach((message) => conversation.receive(message));
  assert.deepEqual([conversation.size, conversation.low], [KEEP + 5, 6]);
  conversation.reading = false;
  conversation.trim();
  assert.equal(conversation.size, KEEP);
});

test("who writes in a chat of two has read what came before, without a mark that says so; in a group nobody is meant", () => {
  const conversation = holding(text(1, { userid: 1 }));
  assert.equal(conversation.peerread, 0);
  conversation.receive(text(2, { userid: 2 }));
  conversation.receive(text(3, { userid: 1 }));
  assert.equal(conversation.peerread, 2);
  conversation.peerread = 4; // a mark came before the messages
  conversation.receive(text(4, { userid: 2 }));
  assert.equal(conversation.peerread, 4);
  const group = new Conversation(11, 2, 0, 1);
  group.receive(text(1, { userid: 3, cmd: 11 }));
  assert.equal(group.peerread, 0);
});

test("a page is put before what is held; events that happened after it was read are applied to it", () => {
  const conversation = new Conversation(10, 2, 3, 1);
  conversation.receive(text(4, { media: 21, ref: 2, content: "edited" }));
  conversation.prepend(texts(2, 3), 3);
  assert.deepEqual([seqs(conversation.messages()), conversation.at(2).content], [[2, 3, 4], "edited"]);
  conversation.prepend([text(9)], 9); // no part of this run
  assert.equal(conversation.low, 2);
});

test("a recalled message says nothing any more, nor do its edits", () => {
  const edit = text(2, { media: 21, ref: 1, content: "edited" });
  const conversation = holding(text(1), edit, text(3, { media: 20, ref: 1 }));
  const { recalled, content } = conversation.at(1);
  assert.deepEqual([recalled, content, conversation.at(2).content], [1, undefined, undefined]);
});

for (const emoji of ["👍", "__proto__", "constructor"]) {
  test(`a reaction of "${emoji}" is kept by user, replaced and taken back`, () => {
    const react = (seq, userid, content) => text(seq, { media: 22, ref: 1, userid, content });
    const conversation = holding(text(1), react(2, 2, emoji), react(3, 1, emoji), react(4, 2, ""));
    assert.deepEqual(Object.entries(conversation.at(1).reactions), [[emoji, [1]]]);
  });
}

test("started again, it holds nothing and goes on after the head", () => {
  const conversation = holding(texts(1, 3));
  conversation.restart(900);
  assert.deepEqual([conversation.size, conversation.low, conversation.high], [0, 901, 900]);
  assert.deepEqual(seqs(conversation.receive(text(901))), [901]);
});

test("what an erased user said counts as recalled, and their reactions and later edits are gone", () => {
  const mine = text(2, { userid: 1, content: "mine" });
  const react = text(3, { media: 22, ref: 2, userid: 2, content: "👍" });
  const edit = text(4, { media: 21, ref: 1, userid: 2, content: "edited" });
  const notice = text(5, { media: 23, userid: 2, content: "left" });
  const conversation = holding(text(1, { userid: 2, content: "words" }), mine, react, edit, notice);
  conversation.receive(text(7, { userid: 2, content: "early" }));
  assert.equal(conversation.erase(2), true);
  conversation.receive(text(6, { userid: 1, content: "mine" }));
  const held = [...conversation.messages()];
  assert.deepEqual(held.map(({ content = "" }) => content), ["", "mine", "", "", "left", "mine", ""]);
  assert.deepEqual(held.map(({ recalled = 0 }) => recalled), [1, 0, 0, 0, 0, 0, 1]);
  assert.deepEqual([conversation.at(2).reactions, conversation.last.recalled], [{}, 1]);
  assert.equal(conversation.erase(3), false);
});

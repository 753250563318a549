import assert from "node:assert/strict";
import { test } from "node:test";

import { carried, chatIn, messageHash, messageIn } from "../../asset/js/page/chat-address.js";

test("the address of a message is the same for both of a chat, and each finds it in the chat with the other", () => {
  assert.equal(messageHash({ scope: 10, dstid: 3 }, 417, 2), "#10:2-3:417");
  assert.equal(messageHash({ scope: 10, dstid: 2 }, 417, 3), "#10:2-3:417");
  assert.deepEqual(messageIn("#10:2-3:417", 2), { scope: 10, dstid: 3, seq: 417 });
  assert.deepEqual(messageIn("#10:2-3:417", 3), { scope: 10, dstid: 2, seq: 417 });
  assert.deepEqual(messageIn("#10:2-2:1", 2), { scope: 10, dstid: 2, seq: 1 });
  assert.equal(messageIn("#10:2-3:417", 4), null);
});

test("a group's message is named by the group; a chat by its peer is understood too", () => {
  assert.equal(messageHash({ scope: 11, dstid: 7 }, 1, 2), "#11:7:1");
  assert.deepEqual(messageIn("#11:7:1", 2), { scope: 11, dstid: 7, seq: 1 });
  assert.deepEqual(messageIn("#10:3:9", 2), { scope: 10, dstid: 3, seq: 9 });
});

test("nothing else is the address of a message, and only what is one is carried through the log-in", () => {
  for (const hash of ["#10:3", "#10:3:0", "#11:2-3:4", "#12:3:4", "#10:3:4:5", "#10:-3:4", "#10:3:4 ", "#10:3:99999999999999999"]) {
    assert.equal(messageIn(hash, 2), null, hash);
  }
  assert.deepEqual(["#10:2-3:417", "#11:7:1", "#11:7", "#user=3"].map(carried), ["#10:2-3:417", "#11:7:1", "#11:7", "#user=3"]);
  assert.deepEqual(["#10:3:4/../", "#10:3:4//x", "#x"].map(carried), ["", "", ""]);
  assert.deepEqual(chatIn("#10:3:4"), []);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { Emitter } from "../../asset/js/im/emitter.js";
import { goesOn, sendOn, wordsOf } from "../../asset/js/page/forwarding/posting.js";

/** A client whose outbox takes two messages at a time. */
class Narrow extends Emitter {
  sent = [];
  waiting = 0;

  send(scope, dstid, { content }) {
    if (content === "huge") throw new RangeError("too large");
    if (this.waiting === 2) throw new RangeError("too many messages wait to be sent");
    this.waiting += 1;
    this.sent.push(`${scope}:${dstid} ${content}`);
  }

  answer() {
    this.waiting = 0;
    this.emit("answered", "", null);
  }
}

test("each message goes to each conversation in order, and waits while the outbox is full", async () => {
  const client = new Narrow();
  const words = ["a", "b", "c"].map((content) => ({ media: 1, content }));
  const all = sendOn(client, words, [{ scope: 10, dstid: 2 }, { scope: 11, dstid: 7 }]);
  assert.equal(client.sent.length, 2);
  for (let round = 0; round < 3; round++) {
    client.answer();
    await new Promise((done) => { setImmediate(done); });
  }
  await all;
  assert.deepEqual(client.sent, ["10:2 a", "10:2 b", "10:2 c", "11:7 a", "11:7 b", "11:7 c"]);
  await assert.rejects(sendOn(client, [{ media: 1, content: "huge" }], [{ scope: 10, dstid: 2 }]), { message: "too large" });
});

test("what a message says goes on, and not whom it answered or named", () => {
  assert.deepEqual(wordsOf({ media: 1, content: "@Bo hello", ref: 4, mentions: [2], seq: 9 }), { media: 1, content: "@Bo hello" });
  assert.deepEqual([{ media: 1, seq: 1 }, { media: 1 }, { media: 1, seq: 1, recalled: 1 }, { media: 23, seq: 1 }, { media: 5, seq: 1 }].map(goesOn),
    [true, false, false, false, false]);
});

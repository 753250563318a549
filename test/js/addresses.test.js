import assert from "node:assert/strict";
import { test } from "node:test";

import { expiryOf, plainAddress, plainly } from "../../asset/js/im/addresses.js";
import { Conversation } from "../../asset/js/im/conversation.js";
import { text } from "./world.js";

const SIGNED = "/mnt/ab/cd.png?e=1795910400&s=RzJ3elOUfBWdjlUwb70-_w";
const PRESIGNED = "https://store.example/b/ab/cd.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=k%2F20261127"
  + "&X-Amz-Date=20261127T000000Z&X-Amz-Expires=172800&X-Amz-SignedHeaders=host&X-Amz-Signature=0a1b";

test("a signature is taken away, and nothing else", () => {
  assert.equal(plainAddress(SIGNED), "/mnt/ab/cd.png");
  assert.equal(plainAddress(PRESIGNED), "https://store.example/b/ab/cd.png");
  for (const other of ["", "/asset/a.png?e=1", "https://example.com/?s=1&e=2", "https://example.com/?q=X-Amz", "#user=1", undefined]) {
    assert.equal(plainAddress(other), other);
  }
  assert.deepEqual(plainly({ media: 4, url: SIGNED, pic: SIGNED, content: SIGNED }),
    { media: 4, url: "/mnt/ab/cd.png", pic: "/mnt/ab/cd.png", content: SIGNED });
  assert.deepEqual(plainly({ media: 1, content: "x" }), { media: 1, content: "x" });
});

test("it is known when an address expires; one that isn't signed never does", () => {
  assert.equal(expiryOf(SIGNED), 1795910400_000);
  assert.equal(expiryOf(PRESIGNED), Date.UTC(2026, 10, 29));
  assert.equal(expiryOf(undefined, "", SIGNED, PRESIGNED), 1795910400_000);
  assert.equal(expiryOf(undefined, "", "https://example.com/a.png?x=1"), Infinity);
});

test("new addresses are taken for messages that are held, and only of the same files", () => {
  const conversation = new Conversation(10, 2, 0, 1);
  const old = SIGNED.replace("1795910400", "1");
  for (const url of [old, old, "https://example.com/a.png"]) conversation.receive({ ...text(conversation.high + 1), url, pic: old });
  const rows = [{ ...text(1), url: SIGNED, pic: SIGNED }, { ...text(2), url: "/mnt/ab/ef.png?e=1&s=x", pic: SIGNED }, { ...text(9), url: SIGNED }];
  assert.equal(conversation.renew(rows), true);
  assert.deepEqual([...conversation.messages()].map(({ url }) => url), [SIGNED, old, "https://example.com/a.png"]);
  assert.equal(conversation.renew(rows), false);
});

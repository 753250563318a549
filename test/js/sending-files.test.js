import assert from "node:assert/strict";
import { test } from "node:test";

import { isLarge, shrunk, within } from "../../asset/js/page/compose/shrink.js";
import { LARGEST, MOST, fits, keep, keptOf } from "../../asset/js/page/compose/upload-store.js";
import { heightsOf } from "../../asset/js/page/talk/sound-bars.js";

test("a picture keeps its shape within the longest side, and isn't enlarged", () => {
  assert.deepEqual([within(4000, 3000), within(1000, 5000), within(40, 30), within(9000, 1)],
    [[2048, 1536], [410, 2048], [40, 30], [2048, 1]]);
});

test("small pictures, animations and other files are sent as they are", async () => {
  const large = new Uint8Array(300_000);
  assert.equal(isLarge({ type: "image/jpeg", size: 300_000 }), true);
  for (const [type, size] of [["image/jpeg", 1000], ["image/gif", 300_000], ["text/plain", 300_000]]) {
    assert.equal(isLarge({ type, size }), false);
  }
  const moving = new File(["....acTL....", large], "a.png", { type: "image/png" });
  assert.equal(await shrunk(moving), moving);
  const unread = new File([large], "a.jpg", { type: "image/jpeg" });
  assert.equal(await shrunk(unread), unread); // there is no canvas here
});

test("what is kept of uploads has bounds of count and size", () => {
  const of = (size) => ({ file: { size } });
  assert.equal(fits([], { size: LARGEST }), true);
  assert.equal(fits([of(1)], { size: LARGEST }), false);
  assert.equal(fits(Array(MOST - 1).fill(of(1)), { size: 1 }), true);
  assert.equal(fits(Array(MOST).fill(of(1)), { size: 1 }), false);
});

test("without a database nothing is kept, and nothing fails", async () => {
  assert.deepEqual(await keptOf(1), []);
  assert.equal(await keep({ cid: "a", user: 1, made: 1, conversation: { scope: 10, dstid: 2 }, file: new File([], "a") }), false);
});

test("a voice's bars are as high as its parts are loud", () => {
  const samples = Float32Array.from({ length: 600 }, (_, at) => [0, 0.1, -0.2, 0.4, 0.05, 0.01][Math.floor(at / 100)]);
  assert.deepEqual(heightsOf(samples, 6), [1, 2, 3, 5, 1, 1]);
  assert.deepEqual(heightsOf([], 2), [1, 1]);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { MemoryStorage } from "../../asset/js/im/environment.js";
import { OUTBOX_BOUND, Outbox, RESEND_AFTER } from "../../asset/js/im/outbox.js";

function rig(storage = new MemoryStorage()) {
  const env = { storage, time: 1_000_000, now: () => env.time };
  return { env, outbox: new Outbox({ env, user: 1 }), again: (user = 1) => new Outbox({ env, user }) };
}

const hello = { cmd: 10, dstid: 2, media: 1, content: "hello" };

test("each message gets an id of its own, and outlasts the page in its order", () => {
  const { env, outbox, again } = rig();
  const cids = [0, 1, 2].map(() => { env.time += 1; return outbox.add(hello).message.cid; });
  assert.equal(new Set(cids.filter((cid) => /^[0-9a-f]{32}$/.test(cid))).size, 3);
  assert.deepEqual(again().entries.map(({ message }) => message.cid), cids);
  assert.deepEqual(again(9).entries, []);
});

test("a message that has an id keeps it, and waits once", () => {
  const { outbox, again } = rig();
  const [first, second] = [0, 1].map(() => outbox.add({ ...hello, cid: "of an upload" }));
  assert.equal(first, second);
  assert.deepEqual(again().entries.map(({ message }) => message.cid), ["of an upload"]);
});

test("what was sent is due again after a while without an answer, or all at once", () => {
  const { env, outbox } = rig();
  const entry = outbox.add(hello);
  assert.equal(outbox.due().length, 1);
  outbox.sent(entry);
  assert.deepEqual([outbox.due().length, outbox.due(true).length], [0, 1]);
  env.time += RESEND_AFTER;
  assert.equal(outbox.due().length, 1);
});

test("a refusal stays until it is tried again, one that passes doesn't", () => {
  const { outbox, again } = rig();
  const { cid } = outbox.add(hello).message;
  assert.equal(outbox.refuse(cid, -6, "storage unavailable"), false);
  assert.equal(outbox.refuse(cid, -3, "not a friend"), true);
  assert.deepEqual([outbox.due(true).length, again().get(cid).error], [0, "not a friend"]);
  outbox.retry(cid);
  assert.equal(outbox.due().length, 1);
});

test("an answered message is removed from the storage too", () => {
  const { env, outbox, again } = rig();
  outbox.remove(outbox.add(hello).message.cid);
  assert.deepEqual([outbox.entries, again().entries, env.storage.length], [[], [], 0]);
});

test("too many messages and too large ones are refused at once", () => {
  const { outbox } = rig();
  assert.throws(() => outbox.add({ ...hello, content: "x".repeat(70_000) }), RangeError);
  for (let count = 0; count < OUTBOX_BOUND; count++) outbox.add(hello);
  assert.throws(() => outbox.add(hello), RangeError);
});

test("what another page keeps is counted among the unsent; what is no entry is passed over", () => {
  const { env, outbox, again } = rig();
  again().add(hello);
  env.storage.setItem("im:1:out:a", "no JSON");
  env.storage.setItem("im:1:out:b", "{}");
  assert.deepEqual([outbox.entries.length, outbox.all().length, again().entries.length], [0, 1, 1]);
});

test("a message waits in memory when the storage is full", () => {
  const { env, outbox } = rig();
  env.storage.setItem = () => { throw new Error("storage is full"); };
  outbox.add(hello);
  assert.equal(outbox.due().length, 1);
});

test("what waits is kept without the signature of its file, and shown with it until then", () => {
  const { outbox, again } = rig();
  const url = "/mnt/ab/cd.png?e=1795910400&s=RzJ3elOUfBWdjlUwb70-_w";
  const { cid } = outbox.add({ cmd: 10, dstid: 2, media: 4, url }).message;
  assert.deepEqual([outbox.get(cid).message.url, again().get(cid).message.url], [url, "/mnt/ab/cd.png"]);
});

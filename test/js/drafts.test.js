import assert from "node:assert/strict";
import { test } from "node:test";

import { Drafts } from "../../asset/js/im/drafts.js";
import { MemoryStorage } from "../../asset/js/im/environment.js";

function rig() {
  const env = { storage: new MemoryStorage() };
  return { env, drafts: new Drafts({ env, user: 1 }), again: (user = 1) => new Drafts({ env, user }) };
}

test("drafts are kept by conversation and user, over a reload", () => {
  const { drafts, again } = rig();
  drafts.set("10:2", "half a sen");
  assert.deepEqual([again().get("10:2"), again().get("10:3"), again(9).get("10:2")], ["half a sen", "", ""]);
});

test("what belongs to a draft is kept with it, and changed alone", () => {
  const { drafts, again } = rig();
  const about = { kind: "reply", message: { seq: 3 } };
  drafts.change("10:2", { text: "a", mentions: [["Bo", 2]] });
  drafts.change("10:2", { about });
  assert.deepEqual(again().of("10:2"), { text: "a", about, mentions: [["Bo", 2]] });
  drafts.change("10:2", { about: null, mentions: [] });
  assert.deepEqual(again().of("10:2"), { text: "a" });
});

test("a draft without a text and without what it is about is none", () => {
  const { drafts } = rig();
  drafts.set("10:2", "a");
  assert.equal(drafts.size, 1);
  drafts.set("10:2", "");
  assert.deepEqual([drafts.size, drafts.of("10:2")], [0, { text: "" }]);
});

test("the oldest drafts are removed first", () => {
  const { drafts, again } = rig();
  for (let dstid = 1; dstid <= 101; dstid++) drafts.set(`10:${dstid}`, "a");
  assert.deepEqual([again().size, again().get("10:1"), again().get("10:101")], [100, "", "a"]);
});

test("a full storage costs a draft only after a reload, and a damaged one is an empty one", () => {
  const { env, drafts, again } = rig();
  env.storage.setItem("im:1:drafts", "{");
  assert.equal(drafts.get("10:2"), "");
  env.storage.setItem = () => { throw new Error("storage is full"); };
  drafts.set("10:2", "long");
  assert.deepEqual([drafts.get("10:2"), drafts.size, again().get("10:2")], ["long", 1, ""]);
});

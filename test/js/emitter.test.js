import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Emitter } from "../../asset/js/im/emitter.js";

test("listeners are called with the arguments until they unsubscribe", () => {
  const emitter = new Emitter();
  const seen = [];
  const end = emitter.on("a", (...rest) => seen.push(rest));
  emitter.emit("a", 1, 2);
  emitter.emit("b", 3);
  end();
  emitter.emit("a", 4);
  assert.deepEqual(seen, [[1, 2]]);
});

test("a listener that throws stops none of the others", () => {
  const report = mock.method(console, "error", () => {});
  const emitter = new Emitter();
  const seen = [];
  emitter.on("a", () => { throw new Error("wrong"); });
  emitter.on("a", () => seen.push("second"));
  emitter.emit("a");
  assert.deepEqual([seen, report.mock.callCount()], [["second"], 1]);
  report.mock.restore();
});

test("a listener that unsubscribes while it is called disturbs no other, and names of Object are plain names", () => {
  const emitter = new Emitter();
  const seen = [];
  const end = emitter.on("constructor", () => { seen.push(1); end(); });
  emitter.on("constructor", () => seen.push(2));
  emitter.emit("constructor");
  emitter.emit("constructor");
  emitter.emit("toString");
  assert.deepEqual(seen, [1, 2, 2]);
});

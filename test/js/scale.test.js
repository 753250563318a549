import assert from "node:assert/strict";
import { test } from "node:test";

import { byteUnit, dotted, momentsBetween, pathOf, scaleTo, spread } from "../../asset/js/admin/scale.js";

test("an axis has round steps and reaches the highest value", () => {
  assert.deepEqual(scaleTo(7.3).ticks, [0, 2, 4, 6, 8]);
  assert.deepEqual(scaleTo(100).ticks, [0, 50, 100]);
  assert.deepEqual(scaleTo(0.03).ticks, [0, 0.01, 0.02, 0.03]);
  assert.equal(scaleTo(1_234_567).top, 1_500_000);
});

test("an axis of whole things has no parts of one, and one of nothing has a height", () => {
  assert.deepEqual(scaleTo(3, true).ticks, [0, 1, 2, 3]);
  assert.deepEqual(scaleTo(0, true).ticks, [0, 1]);
  assert.ok(scaleTo(0).top > 0);
});

test("the highest value is always on the axis", () => {
  for (let most = 0.0001; most < 1e15; most *= 1.37) {
    const { top, ticks } = scaleTo(most);
    assert.ok(top >= most * (1 - 1e-9) && ticks.length <= 6, `${most}: ${ticks}`);
  }
});

test("a line is broken where nothing was measured", () => {
  const x = (at) => at * 10;
  assert.equal(pathOf([1, 2, null, 4, 5], x, (value) => value), "M0 1L10 2M30 4L40 5");
  assert.equal(pathOf([null, null], x, (value) => value), "");
});

test("a value between two gaps has a dot, as no line is drawn through it, and so has the newest", () => {
  assert.deepEqual(dotted([1, null, 3, null, 5, 6, null]), [0, 2, 5]);
  assert.deepEqual(dotted([null]), []);
  assert.deepEqual(dotted([]), []);
});

test("moments are whole steps of the day, within the time that is shown", () => {
  const from = new Date(2026, 4, 3, 10, 7, 12).getTime();
  const found = momentsBetween(from, from + 3_600_000, 15 * 60_000).map((at) => new Date(at));
  assert.deepEqual(found.map((at) => [at.getHours(), at.getMinutes()]), [[10, 15], [10, 30], [10, 45], [11, 0]]);
});

test("moments go on over midnight", () => {
  const from = new Date(2026, 4, 3, 20, 30).getTime();
  const found = momentsBetween(from, from + 86_400_000, 6 * 3_600_000).map((at) => new Date(at).getHours());
  assert.deepEqual(found, [0, 6, 12, 18]);
});

test("a table takes few rows of many, the newest among them", () => {
  assert.deepEqual(spread(10, 4), [0, 3, 6, 9]);
  assert.deepEqual(spread(3, 12), [0, 1, 2]);
  assert.deepEqual(spread(0, 12), []);
});

test("bytes have the unit in which they are read best", () => {
  assert.deepEqual(byteUnit(0), { unit: "B", factor: 1 });
  assert.deepEqual(byteUnit(999), { unit: "B", factor: 1 });
  assert.deepEqual(byteUnit(1_000), { unit: "kB", factor: 1e3 });
  assert.deepEqual(byteUnit(5e20), { unit: "PB", factor: 1e15 });
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { gaps, rowsInPage } from "../../asset/js/page/row-window.js";

const view = { count: 500, height: 64, above: 0, seen: 640 };
const ends = (rows) => [rows[0], rows.at(-1)];

test("the rows near the view are in the page", () => {
  assert.deepEqual(ends(rowsInPage(view)), [0, 17]);
  assert.deepEqual(ends(rowsInPage({ ...view, above: 64 * 100 })), [92, 117]);
  assert.deepEqual(ends(rowsInPage({ ...view, above: 64 * 490 })), [482, 499]);
  assert.deepEqual(ends(rowsInPage({ ...view, above: -200 })), [0, 14]);
});

test("a list that is scrolled past its end, or not shown, has some rows all the same", () => {
  assert.deepEqual(ends(rowsInPage({ ...view, above: 64 * 900 })), [492, 499]);
  assert.deepEqual(ends(rowsInPage({ ...view, seen: 0 })), [0, 7]);
  assert.deepEqual(rowsInPage({ ...view, count: 3 }), [0, 1, 2]);
});

test("a row that has the focus is kept in the page wherever it is, and once", () => {
  assert.deepEqual(ends(rowsInPage(view, 300)), [0, 300]);
  assert.deepEqual(ends(rowsInPage({ ...view, above: 64 * 100 }, 3)), [3, 117]);
  assert.equal(rowsInPage(view, 5).length, rowsInPage(view).length);
  assert.equal(rowsInPage(view, 500).length, rowsInPage(view).length);
});

test("what is left out is counted, so that the list is as long as with all its rows", () => {
  assert.deepEqual(gaps([0, 1, 2], 3), [0, 0, 0, 0]);
  const rows = rowsInPage({ ...view, above: 64 * 100 }, 3);
  const left = gaps(rows, view.count);
  assert.deepEqual([left[0], left[1], left.at(-1)], [3, 88, 382]);
  assert.equal(left.reduce((sum, one) => sum + one, 0) + rows.length, view.count);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { byConversation, ranked } from "../../asset/js/page/find/grouping.js";

test("messages stand by their conversations, the one with the newest first, and in their order", () => {
  const rows = [[10, 3, 9], [11, 3, 4], [10, 3, 2], [11, 8, 1]].map(([scope, dstid, seq]) => ({ scope, dstid, seq }));
  assert.deepEqual(byConversation(rows).map(({ key, rows: own }) => [key, own.map(({ seq }) => seq)]),
    [["10:3", [9, 2]], ["11:3", [4]], ["11:8", [1]]]);
  assert.deepEqual(byConversation([]), []);
});

test("of several names the best counts, what fits equally well keeps its order, and what doesn't fit is left out", () => {
  const ranks = { begins: 0, has: 1, no: -1 };
  const items = [["has"], ["no"], ["no", "begins"], ["has", "no"], []];
  assert.deepEqual(ranked(items, (names) => names, (name) => ranks[name]), [["no", "begins"], ["has"], ["has", "no"]]);
});

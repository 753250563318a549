import assert from "node:assert/strict";
import { test } from "node:test";

import { Merged, Pages } from "../../asset/js/page/find/shared.js";

/** A server that has these messages, newest first, and gives so many of them at a time. */
const server = (seqs, size) => async (before) => {
  const left = seqs.filter((seq) => !before || seq < before);
  const rows = left.slice(0, size).map((seq) => ({ seq }));
  return { rows, next: left.length > size ? rows.at(-1).seq : 0 };
};
const seqsOf = (rows) => rows.map(({ seq }) => seq);

async function everything(source) {
  const found = [];
  for (let pages = 0; !source.ended && pages < 50; pages++) found.push(seqsOf(await source.page()));
  return found.filter((page) => page.length);
}

test("pages come one after the other until the end; what isn't wanted is left out, and such pages are passed over", async () => {
  const pages = new Pages(server([9, 8, 7, 6, 5, 4, 3], 2), ({ seq }) => seq === 9 || seq < 6);
  assert.deepEqual(await everything(pages), [[9], [5, 4], [3]]);
  assert.deepEqual(await everything(new Pages(server([], 2))), []);
});

test("two sources are one in the order of the messages, whatever the sizes of their pages", async () => {
  const [one, other] = [[20, 19, 18, 9, 2], [17, 10, 3, 1]];
  for (const [a, b] of [[1, 1], [2, 3], [5, 1], [9, 9]]) {
    const merged = new Merged([new Pages(server(one, a)), new Pages(server(other, b))]);
    assert.deepEqual((await everything(merged)).flat(), [...one, ...other].sort((x, y) => y - x));
  }
});

test("what fails is asked for again", async () => {
  let fails = true;
  const load = server([3, 2, 1], 2);
  const pages = new Pages((before) => (fails ? Promise.reject(new Error("no connection")) : load(before)));
  await assert.rejects(pages.page());
  fails = false;
  assert.deepEqual(await everything(pages), [[3, 2], [1]]);
});

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Refused } from "../../asset/js/im/refused.js";
import { MOST, MessageSearch, PAUSE } from "../../asset/js/page/find/message-search.js";

const settled = () => new Promise((done) => setImmediate(done));

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

/** A search whose server answers as it is told: by `answer(page)` or `refuse(error)`. */
function rig() {
  const asked = [];
  const search = new MessageSearch({
    ask: (words, before, signal) => new Promise((answer, refuse) => asked.push({ words, before, signal, answer, refuse })),
    changed: () => statuses.push(search?.status),
  });
  const statuses = [];
  return { search, asked, statuses };
}

const page = (from, to, next = 0) => ({ rows: Array.from({ length: to - from + 1 }, (_, at) => ({ seq: from + at })), next });

test("the server is asked once for what is written in one go, and what is asked is given up when more is written", async () => {
  const { search, asked } = rig();
  for (const words of ["s", "sn", "sno"]) search.write(words);
  mock.timers.tick(PAUSE);
  assert.deepEqual(asked.map(({ words, before }) => [words, before]), [["sno", 0]]);
  search.write("snow");
  assert.equal(asked[0].signal.aborted, true);
  asked[0].answer(page(1, 2));
  mock.timers.tick(PAUSE);
  await settled();
  assert.deepEqual([search.rows, search.status], [[], "asking"]);
  asked[1].answer(page(5, 5));
  await settled();
  assert.deepEqual([search.rows, search.status, search.more], [[{ seq: 5 }], "found", false]);
});

test("spaces around change nothing, and no words ask for nothing", async () => {
  const { search, asked, statuses } = rig();
  search.write(" a ", { atOnce: true });
  search.write("a");
  search.write("  ");
  mock.timers.tick(PAUSE);
  assert.deepEqual([asked.length, statuses], [1, ["asking", "none"]]);
  search.write("x".repeat(500), { atOnce: true });
  assert.equal(asked[1].words.length, 100);
});

test("pages without a message are read on, and all pages together are bounded", async () => {
  const { search, asked } = rig();
  search.write("a", { atOnce: true });
  asked[0].answer(page(1, 0, 900));
  await settled();
  assert.equal(asked[1].before, 900);
  asked[1].answer(page(1, 50, 800));
  await settled();
  for (const [at, next] of [[2, 700], [3, 600]]) {
    search.readOn();
    search.readOn();
    assert.equal(asked.length, at + 1);
    asked[at].answer(page(1, 50, next));
    await settled();
  }
  assert.deepEqual([search.rows.length, search.more, search.next], [MOST, false, 600]);
});

test("after too many searches it waits as long as the server says, and goes on by itself", async () => {
  const { search, asked } = rig();
  search.write("a", { atOnce: true });
  asked[0].refuse(new Refused("too many", { code: -5, status: 429, wait: 3000 }));
  await settled();
  assert.deepEqual([search.status, search.wait], ["paused", 3000]);
  mock.timers.tick(2999);
  assert.equal(asked.length, 1);
  mock.timers.tick(1);
  asked[1].answer(page(1, 1));
  await settled();
  assert.equal(search.status, "found");
});

test("what was found stays until something else is, or nothing is looked for", async () => {
  const { search, asked } = rig();
  search.write("a", { atOnce: true });
  asked[0].answer(page(1, 1));
  await settled();
  search.write("ab");
  assert.deepEqual([search.rows.length, search.status], [1, "asking"]);
  mock.timers.tick(PAUSE);
  asked[1].answer(page(1, 0));
  await settled();
  assert.deepEqual([search.rows, search.status], [[], "found"]);
  search.write("", { atOnce: true });
  assert.deepEqual([search.rows, search.status], [[], "none"]);
});

test("what fails otherwise is told and can be tried again; what was found stays", async () => {
  const { search, asked } = rig();
  search.write("a", { atOnce: true });
  asked[0].answer(page(1, 1, 7));
  await settled();
  search.readOn();
  asked[1].refuse(new Refused("no connection"));
  await settled();
  assert.deepEqual([search.status, search.rows.length], ["failed", 1]);
  search.again();
  asked[2].answer(page(2, 2));
  await settled();
  assert.deepEqual([search.rows.map(({ seq }) => seq), search.status], [[1, 2], "found"]);
});

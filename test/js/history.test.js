import assert from "node:assert/strict";
import { test } from "node:test";

import { Conversation } from "../../asset/js/im/conversation.js";
import { History } from "../../asset/js/im/history.js";
import { Refused } from "../../asset/js/im/refused.js";
import { World, settled, text, texts } from "./world.js";

/**
 * A History over a log of `count` messages, of which the conversation knows that they exist and holds up to `high`. Those
 * before `floor` are deleted.
 */
function rig(count, high = count, floor = 1) {
  const world = new World();
  const log = texts(1, count).slice(floor - 1);
  const asked = [];
  const rest = { failure: null, async call(path, fields) {
    asked.push(fields);
    if (this.failure) throw this.failure;
    const { before = Infinity, limit } = fields;
    const after = path === "/message/around" ? Math.max(0, fields.seq - 1 - (limit >> 1)) : fields.after ?? 0;
    const found = log.filter(({ seq }) => seq > after && seq < before);
    return { code: 0, rows: after || "after" in fields ? found.slice(0, limit) : found.slice(-limit), total: count };
  } };
  const conversation = new Conversation(10, 2, high, 1);
  conversation.head = count;
  const restarted = [];
  const history = new History({
    rest, env: world.env, take: (message) => conversation.receive(message), stored: () => {},
    restarted: (which) => restarted.push(which),
  });
  return { world, rest, asked, conversation, history, restarted, log };
}

test("pages are loaded to the beginning, and two calls at once are one request", async () => {
  const { asked, conversation, history } = rig(70);
  const both = await Promise.all([history.older(conversation), history.older(conversation)]);
  assert.deepEqual([both, conversation.low, asked.length], [[true, true], 21, 1]);
  assert.equal(await history.older(conversation), false);
  assert.equal(await history.older(conversation), false);
  assert.deepEqual([conversation.size, asked.length], [70, 2]);
});

test("an earlier message that is near is reached by one large page", async () => {
  const { asked, conversation, history } = rig(5000);
  assert.equal(await history.reach(conversation, 4801), true);
  assert.deepEqual([conversation.at(4801).content, conversation.high, asked.length], ["text 4801", 5000, 1]);
});

test("one that is far is reached by the page around it, which is then all that is held", async () => {
  const { asked, conversation, history } = rig(5000);
  assert.equal(await history.reach(conversation, 100), true);
  const { low, high, head, apart } = conversation;
  assert.deepEqual([low, high, head, apart, asked.length], [75, 124, 5000, true, 1]);
  await history.newer(conversation);
  await history.older(conversation);
  assert.deepEqual([conversation.low, conversation.high, conversation.apart], [25, 174, true]);
  assert.equal(await history.reach(conversation, 4990), true);
  assert.deepEqual([conversation.high, conversation.apart], [5000, false]);
});

test("what stands apart has no gap to be filled, and takes no new message before it has come to its end", async () => {
  const { world, asked, conversation, history, log } = rig(300);
  await history.reach(conversation, 50);
  history.fillGap(conversation);
  await world.clock.advance(1000);
  assert.deepEqual([conversation.receive(text(301)), conversation.head, asked.length], [[], 301, 1]);
  log.push(text(301));
  while (conversation.apart) await history.newer(conversation);
  assert.equal(conversation.high, 301);
  assert.deepEqual(conversation.receive(text(302)).map(({ seq }) => seq), [302]);
});

test("a single message is asked for once, and not one that can't exist", async () => {
  const { asked, conversation, history } = rig(9);
  assert.equal((await history.one(conversation, 4)).seq, 4);
  assert.equal((await history.one(conversation, 4)).seq, 4);
  for (const seq of [0, -1, 10, NaN]) assert.equal(await history.one(conversation, seq), null);
  assert.equal(asked.length, 1);
});

test("a gap is filled after a moment, by one request", async () => {
  const { world, asked, conversation, history } = rig(9, 2);
  history.fillGap(conversation);
  history.fillGap(conversation);
  await world.clock.advance(1000);
  assert.deepEqual([conversation.high, asked], [9, [{ scope: 10, dstid: 2, after: 2, limit: 200 }]]);
});

test("a gap that fills itself isn't asked for", async () => {
  const { world, asked, conversation, history } = rig(4, 2);
  history.fillGap(conversation);
  conversation.receive(text(4));
  conversation.receive(text(3));
  await world.clock.advance(1000);
  assert.deepEqual([conversation.high, asked], [4, []]);
});

test("after a refusal a gap is asked for again, but not when the login has ended", async () => {
  const { world, rest, asked, conversation, history } = rig(9, 2);
  rest.failure = new Refused("no connection");
  history.fillGap(conversation);
  await world.clock.advance(8000);
  assert.equal(asked.length, 3);
  rest.failure = new Refused("please log in", { status: 401 });
  await world.clock.advance(20_000);
  assert.deepEqual([asked.length, conversation.high], [4, 2]);
});

test("instead of a long gap the run starts again at its end; somebody who reads gets all of it", async () => {
  const { world, conversation, history, restarted, asked } = rig(900, 2);
  history.fillGap(conversation);
  await world.clock.advance(1000);
  assert.deepEqual([restarted, conversation.low, asked.length], [[conversation], 901, 0]);

  const reader = rig(900, 2);
  reader.conversation.reading = true;
  reader.history.fillGap(reader.conversation);
  await reader.world.clock.advance(1000);
  await settled();
  assert.deepEqual([reader.restarted, reader.conversation.high, reader.asked.length], [[], 900, 5]);
});

test("a gap of which everything is deleted is passed over, and what comes next is shown", async () => {
  const { world, conversation, history, restarted, asked } = rig(9, 2, 10);
  history.fillGap(conversation);
  await world.clock.advance(1000);
  assert.deepEqual([restarted, conversation.high, conversation.gap, asked.length], [[conversation], 9, false, 1]);
  assert.deepEqual(conversation.receive(text(10)).map(({ seq }) => seq), [10]);
});

test("scrolling up ends at the first message that is kept", async () => {
  const { conversation, history, asked } = rig(70, 70, 31);
  assert.equal(await history.older(conversation), true);
  assert.deepEqual([await history.older(conversation), conversation.low, asked.length], [false, 31, 2]);
});

test("messages whose address expires soon are read anew, each page once, and one alone when it is asked for", async () => {
  const { asked, conversation, history, log } = rig(450, 0);
  const signed = (expires) => `/mnt/ab/cd.png?e=${expires}&s=x`;
  for (const message of log) {
    conversation.receive({ ...message, url: message.seq % 100 ? "" : signed(5) });
    if (message.seq % 100 === 0) message.url = signed(500_000);
  }
  assert.equal(await history.renew(conversation, 4_000), false);
  assert.equal(asked.length, 0);
  assert.equal(await history.renew(conversation, 6_000), true);
  assert.deepEqual(asked.map(({ before }) => before), [401, 201]);
  assert.equal(conversation.at(100).url, signed(500_000));
  log[399].url = signed(600_000);
  assert.equal(await history.renewOne(conversation, 400), true);
  assert.deepEqual(asked.at(-1), { scope: 10, dstid: 2, before: 401, limit: 1 });
  assert.equal(conversation.at(400).url, signed(600_000));
});

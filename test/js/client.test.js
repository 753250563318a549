import assert from "node:assert/strict";
import { test } from "node:test";

import { World, dice, folded, settled, text, texts } from "./world.js";

const hello = (content = "hello") => ({ media: 1, content });
const numbered = (from, to) => texts(from, to).map(({ seq }) => `10:2/${seq}`);
const answerTo = (cid, seq) => ({ cmd: 1, cid, code: 0, scope: 10, dstid: 2, seq, at: seq });

async function reconnected(world, rows = [], more = {}) {
  world.socket.lose();
  await world.clock.advance(1000);
  await world.connected(rows, more);
}

test("the first frame says what is held, and only its answer makes the client online", async () => {
  const world = new World();
  world.conversations = [{ scope: 10, dstid: 2, seq: 5, read: 3, unread: 2, last: text(5) }];
  const client = world.client();
  client.start();
  await settled();
  world.socket.open();
  assert.deepEqual(client.states, ["connecting"]);
  assert.deepEqual(world.socket.sent, [{ cmd: 4, epoch: "", have: { "10:2": 5 } }]);
  world.socket.say({ cmd: 4, epoch: "e1", rows: [] });
  assert.deepEqual([client.states, client.conversation(10, 2).unread], [["connecting", "online"], 2]);
  assert.equal(world.socket.url, "ws://test/chat?id=1");
});

test("after a loss it says what it has, without a request before", async () => {
  const world = new World();
  await world.online();
  [1, 2, 4].forEach((seq) => world.socket.say(text(seq)));
  const asked = world.asked.length;
  await reconnected(world);
  assert.deepEqual(world.socket.sent[0], { cmd: 4, epoch: "e1", have: { "10:2": 2 } });
  assert.equal(world.asked.slice(asked).filter(({ path }) => path === "/message/conversations").length, 0);
});

test("a catch-up that isn't answered is given up", async () => {
  const world = new World();
  const client = world.client();
  client.start();
  await settled();
  world.socket.open();
  await world.clock.advance(19_000);
  world.socket.say({ cmd: 0, at: 1 });
  assert.equal(world.sockets.length, 1);
  await world.clock.advance(2_000);
  assert.equal(world.sockets.length, 2);
});

test("messages are told in order, each once", async () => {
  const world = new World();
  const client = await world.online();
  for (const seq of [2, 1, 1, 3, 2, 5, 4, 5, 3]) world.socket.say(text(seq));
  assert.deepEqual(client.seen, numbered(1, 5));
});

test("a gap is fetched once, and told in order with what came after it", async () => {
  const world = new World();
  world.log.set("10:2", texts(1, 9));
  const client = await world.online();
  [1, 8, 9].forEach((seq) => world.socket.say(text(seq)));
  assert.deepEqual(client.seen, numbered(1, 1));
  await world.clock.advance(1000);
  assert.deepEqual(client.seen, numbered(1, 9));
  assert.equal(world.asked.filter(({ path }) => path === "/message/history").length, 1);
});

test("a conversation that ran far ahead is loaded from its end", async () => {
  const world = new World();
  world.log.set("10:2", texts(1, 900));
  const client = await world.online();
  world.socket.say(text(1));
  let restarted = 0;
  client.on("restarted", () => { restarted += 1; });
  await reconnected(world, [{ scope: 10, dstid: 2, seq: 900, read: 1, more: true, last: text(900) }]);
  const conversation = client.conversation(10, 2);
  assert.equal(await client.older(conversation), true);
  const { low, high, unread } = conversation;
  assert.deepEqual([restarted, low, high, unread], [1, 851, 900, 899]);
});

test("what wasn't answered is sent again after a loss, with the same cid and in its order", async () => {
  const world = new World();
  const client = await world.online();
  const [a, b, c] = ["a", "b", "c"].map((content) => client.send(10, 2, hello(content)));
  world.socket.say(answerTo(a, 1));
  await reconnected(world);
  assert.deepEqual(world.socket.of(10).map(({ cid }) => cid), [b, c]);
  world.socket.say(answerTo(b, 2));
  world.socket.say(answerTo(c, 3));
  await reconnected(world);
  assert.deepEqual([world.socket.of(10), client.seen], [[], numbered(1, 3)]);
});

test("a message whose answer was lost is recognised in the catch-up", async () => {
  const world = new World();
  const client = await world.online();
  const cid = client.send(10, 2, hello());
  world.socket.lose();
  await world.clock.advance(1000);
  world.socket.open();
  world.socket.say({ cmd: 10, userid: 1, dstid: 2, ...hello(), cid, seq: 1, at: 5 });
  world.socket.say({ cmd: 4, epoch: "e1", rows: [] });
  assert.deepEqual([world.socket.of(10), client.seen, client.waiting(10, 2)], [[], numbered(1, 1), []]);
});

test("a message whose answer was lost is recognised in a page of history", async () => {
  const world = new World();
  const before = await world.online();
  const cid = before.send(10, 2, hello());
  before.stop();
  // The page was left before the answer came, and is opened again.
  const stored = { ...text(1), userid: 1, dstid: 2, cid };
  world.log.set("10:2", [stored]);
  world.conversations = [{ scope: 10, dstid: 2, seq: 1, read: 1, unread: 0, last: stored }];
  const client = world.client();
  client.start();
  await settled();
  assert.equal(client.waiting(10, 2).length, 1);
  let waitingWhenAnswered = null;
  client.on("answered", () => { waitingWhenAnswered = client.waiting(10, 2).length; });
  const conversation = client.conversation(10, 2);
  await client.older(conversation);
  assert.deepEqual([conversation.size, client.waiting(10, 2), waitingWhenAnswered], [1, [], 0]);
});

test("what is refused for being too much waits, and goes out again in its order", async () => {
  const world = new World();
  const client = await world.online();
  const pauses = [];
  client.on("paused", (wait) => pauses.push(wait));
  const cids = ["a", "b", "c", "d"].map((content) => client.send(10, 2, hello(content)));
  world.socket.say(answerTo(cids[0], 1));
  const refusal = (cid, wait) => ({ cmd: 1, cid, code: -5, msg: "too many messages", wait });
  cids.slice(1).forEach((cid, number) => world.socket.say(refusal(cid, 1000 - number)));
  cids.push(client.send(10, 2, hello("e")));
  await world.clock.advance(990);
  assert.deepEqual([world.socket.of(10).length, pauses, client.waiting(10, 2).length], [4, [1000], 4]);
  await world.clock.advance(20);
  assert.deepEqual(world.socket.of(10).slice(4).map(({ cid }) => cid), cids.slice(1));
  client.send(10, 2, hello("f"));
  assert.equal(world.socket.of(10).length, 9);
});

test("a pause ends with the client", async () => {
  const world = new World();
  const client = await world.online();
  const cid = client.send(10, 2, hello());
  world.socket.say({ cmd: 1, cid, code: -5, msg: "too many messages", wait: 1000 });
  client.stop();
  await world.clock.advance(5_000);
  assert.equal(world.socket.of(10).length, 1);
});

test("a silent server is asked again on the same connection", async () => {
  const world = new World();
  const client = await world.online();
  client.send(10, 2, hello());
  await world.clock.advance(10_000);
  assert.equal(world.socket.of(10).length, 1);
  await world.clock.advance(11_000);
  assert.equal(new Set(world.socket.of(10).map(({ cid }) => cid)).size, 1);
  assert.equal(world.socket.of(10).length, 2);
});

test("what was written without a network is sent by the next page", async () => {
  const world = new World();
  const cid = world.client().send(10, 2, hello());
  await world.online();
  assert.deepEqual(world.socket.of(10).map((frame) => frame.cid), [cid]);
});

test("a refusal is told and stays; one that passes is waited out", async () => {
  const world = new World();
  const client = await world.online();
  const refused = [];
  client.on("refused", ({ error }) => refused.push(error));
  const [wrong, busy] = ["a", "b"].map((content) => client.send(10, 2, hello(content)));
  world.socket.say({ cmd: 1, cid: wrong, code: -3, msg: "not a friend" });
  world.socket.say({ cmd: 1, cid: busy, code: -6, msg: "storage unavailable" });
  await world.clock.advance(21_000);
  assert.deepEqual([refused, world.socket.of(10).map(({ content }) => content)], [["not a friend"], ["a", "b", "b"]]);
  client.retry(wrong);
  assert.equal(world.socket.of(10).at(-1).cid, wrong);
  client.discard(wrong);
  assert.equal(client.waiting(10, 2).length, 1);
});

test("limits: what is too large or too much is refused at once", () => {
  const client = new World().client();
  assert.throws(() => client.send(10, 2, hello("x".repeat(70_000))), RangeError);
  for (let sent = 0; sent < 200; sent++) client.send(10, 2, hello());
  assert.throws(() => client.send(10, 2, hello()), RangeError);
});

test("frames that make no sense are passed over", async () => {
  const world = new World();
  const client = await world.online();
  for (const frame of ["", "{", "[]", "null", "7", { cmd: 99 }, {}, { cmd: 10 }, text("1"), text(1.5)]) {
    world.socket.say(frame);
  }
  world.socket.say(text(1));
  assert.deepEqual([client.seen, client.state], [numbered(1, 1), "online"]);
});

test("of another log everything held is forgotten, and what waits is still sent", async () => {
  const world = new World();
  const client = await world.online();
  texts(1, 2).forEach((message) => world.socket.say(message));
  const restarted = [];
  client.on("restarted", (conversation) => restarted.push(conversation));
  const cid = client.send(10, 2, hello());
  const row = { scope: 10, dstid: 2, seq: 1, read: 0, last: text(1) };
  await reconnected(world, [row], { epoch: "e2", reset: true });
  const { high, size } = client.conversation(10, 2);
  assert.deepEqual([restarted, high, size], [[undefined], 1, 0]);
  assert.deepEqual(world.socket.of(10).map((frame) => frame.cid), [cid]);
});

test("reading is told once, and again when the mark was lost", async () => {
  const world = new World();
  const client = await world.online();
  texts(1, 2).forEach((message) => world.socket.say(message));
  const conversation = client.conversation(10, 2);
  client.read(conversation);
  client.read(conversation);
  assert.deepEqual(world.socket.of(6), [{ cmd: 6, scope: 10, dstid: 2, seq: 2 }]);
  await reconnected(world, [{ scope: 10, dstid: 2, seq: 2, read: 0, unread: 2, last: text(2) }]);
  assert.deepEqual([world.socket.of(6).length, conversation.unread], [1, 0]);
});

test("when the login has ended the client stops and says so", async () => {
  const world = new World();
  const client = await world.online();
  let told = 0;
  client.on("unauthorized", () => { told += 1; });
  world.loggedOut = true;
  world.socket.lose();
  await world.clock.advance(1000);
  world.socket.lose();
  await world.clock.advance(60_000);
  assert.deepEqual([told, client.state, world.sockets.length], [1, "offline", 2]);
});

test("when another user is logged in the client ends for good, and what it stored stays", async () => {
  const world = new World();
  const client = await world.online();
  client.drafts.set("10:2", "half");
  const told = [];
  client.on("other-user", () => told.push("other-user"));
  client.on("message", () => told.push("message"));
  world.loggedIn = 9;
  world.heard("9");
  await settled();
  const kept = world.kept();
  client.drafts.set("10:2", "more");
  client.start();
  await world.clock.advance(60_000);
  assert.deepEqual([told, world.kept(), world.sockets.length, client.state], [["other-user"], kept, 1, "offline"]);
  assert.throws(() => client.send(10, 2, hello()), /ended/);
  await assert.rejects(client.refresh(), { otherUser: true });
});

test("logging out removes what is unsent, and changes nothing when the server can't be reached", async () => {
  const world = new World();
  const client = await world.online();
  client.send(10, 2, hello());
  client.drafts.set("10:2", "half");
  const { messages, drafts } = client.unsent();
  assert.deepEqual([messages.length, drafts], [1, 1]);
  world.broken = true;
  await assert.rejects(client.logOut(), { status: 0 });
  assert.equal(client.unsent().drafts, 1);
  world.broken = false;
  await client.logOut();
  assert.deepEqual(world.kept(), { "im:who": "-1" });
});

/** 160 messages of a group as the server would accept them: none names a recalled message or an event. */
function groupLog(roll) {
  const any = (list) => list[Math.floor(roll() * list.length)];
  const log = [];
  const recalled = (seq) => log.some(({ media, ref }) => media === 20 && ref === seq);
  const open = ({ media, seq }) => media === 1 && !recalled(seq);
  for (let seq = 1; seq <= 160; seq++) {
    const media = log.filter(open).length < 5 ? 1 : any([1, 1, 1, 20, 21, 22, 22, 22]);
    const ref = media === 1 ? undefined : any(log.filter(open)).seq;
    const content = media === 22 ? any(["", "x", "y"]) : `${media} ${seq}`;
    log.push({ cmd: 11, userid: any([1, 2, 3]), dstid: 7, media, ref, content, seq, at: seq });
  }
  return log;
}

/** What a message shows, whatever the order of its reactions. */
function shown({ seq, content, recalled, edited, reactions = {} }) {
  const sorted = Object.entries(reactions).map(([emoji, users]) => [emoji, [...users].sort()]).sort();
  return JSON.stringify([seq, content, recalled, edited, sorted]);
}

for (const seed of [1, 2, 3, 4]) {
  test(`over losses, repeats and gaps the messages held are what the server shows (${seed})`, async () => {
    const roll = dice(seed * 7919 + 1);
    const log = groupLog(roll);
    const world = new World();
    const client = await world.online();
    for (const message of log) {
      const { seq } = message;
      world.log.set("11:7", folded(log.slice(0, seq)));
      const kind = roll();
      if (kind < 0.04) await reconnected(world);
      else if (kind > 0.15) world.socket.say(message);
      if (roll() < 0.2) world.socket.say(log[Math.floor(roll() * seq)]); // a repeat, or one that was missed
      if (roll() < 0.2) await world.clock.advance(1000);
    }
    world.socket.say(log.at(-1));
    await world.clock.advance(10_000);
    assert.deepEqual(client.seen, log.map(({ seq }) => `11:7/${seq}`));
    assert.deepEqual([...client.conversation(11, 7).messages()].map(shown), folded(log).map(shown));
  });
}

test("an erased user's words are forgotten, where there are any, and the page is told", async () => {
  const world = new World();
  const client = await world.online();
  world.socket.say(text(1, { userid: 2, content: "words" }));
  const restarted = [];
  const told = [];
  client.on("restarted", (conversation) => restarted.push(conversation));
  client.on("changed", (frame) => told.push(frame.what));
  world.socket.say({ cmd: 8, what: "erased", userid: 2 });
  world.socket.say({ cmd: 8, what: "erased", userid: 9 });
  const conversation = client.conversation(10, 2);
  const { content, recalled } = conversation.at(1);
  assert.deepEqual([content, recalled, restarted, told], [undefined, 1, [conversation], ["erased", "erased"]]);
});

const row = (dstid, more = {}) =>
  ({ scope: 10, dstid, seq: 5, read: 5, unread: 0, last: text(5, { userid: dstid, at: 100 - dstid }), ...more });
const setting = (dstid, more) => ({ cmd: 8, what: "setting", scope: 10, dstid, mute: 0, pin: 0, hide: 0, ...more });
const listed = (client) => client.conversations().map(({ dstid }) => dstid);

test("pinned conversations come first, and what another device sets holds here", async () => {
  const world = new World();
  world.conversations = [row(2), row(3), row(4, { pin: 1 })];
  const client = await world.online(1, world.conversations);
  assert.deepEqual(listed(client), [4, 2, 3]);
  world.socket.say(setting(3, { pin: 1, mute: 1 }));
  assert.deepEqual([listed(client), client.conversation(10, 3).muted], [[3, 4, 2], true]);
  world.socket.say(setting(4, {}));
  assert.deepEqual(listed(client), [3, 2, 4]);
});

test("a hidden conversation is back with its next message", async () => {
  const world = new World();
  world.conversations = [row(2), row(3)];
  const client = await world.online(1, world.conversations);
  world.socket.say(setting(2, { hide: 1, mute: 1 }));
  assert.deepEqual(listed(client), [3]);
  world.socket.say(text(6, { userid: 2, at: 200 }));
  assert.deepEqual([listed(client), client.conversation(10, 2).muted], [[2, 3], true]);
});

test("what a catch-up doesn't list was hidden meanwhile", async () => {
  const world = new World();
  world.conversations = [row(2), row(3)];
  const client = await world.online(1, world.conversations);
  await reconnected(world, [row(3)]);
  assert.deepEqual(listed(client), [3]);
});

test("one that was hidden before the page was loaded is back with what was set and read of it", async () => {
  const world = new World();
  world.conversations = [row(3)];
  const client = await world.online(1, world.conversations);
  world.conversations = [row(2, { seq: 6, unread: 1, mute: 1, last: text(6, { at: 200 }) }), row(3)];
  world.log.set("10:2", texts(1, 6));
  world.socket.say(text(6, { at: 200 }));
  await settled();
  await world.clock.advance(1000);
  const { muted, unread } = client.conversation(10, 2);
  assert.deepEqual([listed(client), muted, unread], [[2, 3], true, 1]);
});

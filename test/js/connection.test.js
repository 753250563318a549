import assert from "node:assert/strict";
import { test } from "node:test";

import { Connection, OPEN_TIMEOUT } from "../../asset/js/im/connection.js";
import { World, settled } from "./world.js";

async function started(options = {}) {
  const world = new World();
  const connection = new Connection({ env: world.env, url: () => "ws://test/chat", ...options });
  const events = [];
  connection.on("state", (state) => events.push(state));
  connection.on("open", () => events.push("open"));
  connection.on("frame", (frame) => events.push(frame));
  connection.start();
  await settled();
  return { world, connection, events };
}

test("it is online when its owner says so, and frames are objects only", async () => {
  const { world, connection, events } = await started();
  assert.equal(connection.send({ cmd: 5 }), false);
  world.socket.open();
  connection.ready();
  for (const frame of ["{", "null", "7", { cmd: 0, at: 1 }, { cmd: 7, userid: 2, online: 1 }]) world.socket.say(frame);
  assert.deepEqual(events, ["connecting", "open", "online", { cmd: 7, userid: 2, online: 1 }]);
  assert.equal(connection.send({ cmd: 5 }), true);
});

test("waits double up to a bound, with half of each at random, and are short again after a success", async () => {
  for (const chance of [0, 1]) {
    const { world, connection } = await started();
    world.chance = chance;
    const waits = [];
    for (let attempt = 0; attempt < 8; attempt++) {
      world.socket.lose();
      waits.push(world.clock.wait);
      await world.clock.advance(world.clock.wait);
    }
    world.socket.open();
    connection.ready();
    world.socket.lose();
    waits.push(world.clock.wait);
    const longest = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 500];
    assert.deepEqual(waits, longest.map((wait) => wait * (chance ? 1 : 0.5)));
  }
});

test("a heartbeat without an answer ends the connection, an answered one doesn't", async () => {
  const { world, connection } = await started();
  world.socket.open();
  connection.ready();
  const first = world.socket;
  await world.clock.advance(25_000);
  assert.equal(first.of(0).length, 1);
  first.say({ cmd: 0, at: 1 });
  await world.clock.advance(20_000);
  assert.equal(connection.state, "online");
  await world.clock.advance(15_500);
  assert.deepEqual([first.readyState, world.sockets.length], [3, 2]);
});

test("a socket that doesn't open is given up, and what it says later is ignored", async () => {
  const { world, events } = await started();
  const first = world.socket;
  await world.clock.advance(OPEN_TIMEOUT + 500);
  assert.equal(world.sockets.length, 2);
  first.open();
  first.say({ cmd: 7 });
  first.onclose({});
  assert.deepEqual(events, ["connecting", "offline", "connecting"]);
});

test("what prepares an attempt can make it fail; stopped meanwhile, no socket is opened", async () => {
  let fails = true;
  const prepare = async () => { if (fails) throw new Error("no"); };
  const { world, connection } = await started({ prepare });
  assert.deepEqual([world.sockets.length, connection.state], [0, "offline"]);
  fails = false;
  connection.hurry();
  connection.stop();
  await settled();
  assert.deepEqual([world.sockets.length, connection.state], [0, "offline"]);
});

test("the browser's word that the network went or came is taken at once", async () => {
  const { world, connection } = await started();
  world.socket.open();
  connection.ready();
  world.events.dispatchEvent(new Event("offline"));
  assert.equal(connection.state, "offline");
  world.events.dispatchEvent(new Event("online"));
  await settled();
  assert.deepEqual([connection.state, world.sockets.length], ["connecting", 2]);
  connection.stop();
  world.events.dispatchEvent(new Event("online"));
  await settled();
  assert.equal(world.sockets.length, 2);
});

// Two clients in Node.js talk to each other through a real server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { CMD, Client, MEDIA } from "../../asset/js/im/index.js";
import { RunningServer, registered, until } from "./running_server.js";

const server = new RunningServer();
before(() => server.start());
after(() => server.remove());

/** Somebody who is registered, with a client that isn't started yet. */
async function somebody(mobile) {
  const user = await registered(server.base, mobile);
  const client = new Client({ user, base: server.base, token: user.token });
  const heard = [];
  client.on("message", (conversation, message) => heard.push([message.userid, message.seq, message.content]));
  return { user, client, heard };
}

const withoutSockets = globalThis.WebSocket ? false : "this Node.js has no WebSocket: start it by `npm test`";

const name = "messages arrive in order and once, also those written while the server was away";
test(name, { skip: withoutSockets }, async () => {
  const [anna, bo] = await Promise.all(["13700000001", "13700000002"].map(somebody));
  try {
    await anna.client.rest.call("/contact/addfriend", { dstid: bo.user.id });
    anna.client.start();
    bo.client.start();
    await until(() => anna.client.state === "online" && bo.client.state === "online", "both are online");

    const say = (content) => anna.client.send(CMD.SINGLE, bo.user.id, { media: MEDIA.TEXT, content });
    for (let count = 1; count <= 20; count++) say(`${count}`);
    await until(() => bo.heard.length >= 20, "20 messages arrive");

    await server.stop();
    await until(() => anna.client.state !== "online", "the loss is noticed");
    for (let count = 21; count <= 25; count++) say(`${count}`);
    assert.equal(anna.client.waiting(CMD.SINGLE, bo.user.id).length, 5);
    await server.start();
    for (const { client } of [anna, bo]) client.hurry(); // not to wait as long as the server was away
    await until(() => bo.heard.length >= 25 && anna.heard.length >= 25, "those of the meantime arrive");

    const all = Array.from({ length: 25 }, (_, at) => [anna.user.id, at + 1, `${at + 1}`]);
    assert.deepEqual([bo.heard, anna.heard], [all, all]);
    assert.equal(anna.client.waiting(CMD.SINGLE, bo.user.id).length, 0);

    const conversation = bo.client.conversation(CMD.SINGLE, anna.user.id);
    assert.equal(conversation.unread, 25);
    bo.client.read(conversation);
    await until(() => anna.client.conversation(CMD.SINGLE, bo.user.id).peerread === 25, "the read mark arrives");

    await bo.client.logOut();
    await assert.rejects(bo.client.rest.data("/user/find", { id: bo.user.id }), { loggedOut: true });
  } finally {
    anna.client.stop();
    bo.client.stop();
  }
});

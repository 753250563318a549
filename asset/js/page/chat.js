// The chat page: the chat of whoever is logged in with this browser.

import { Client } from "../im/index.js";
import { carried } from "./chat-address.js";
import { Keeping } from "./kept/keeping.js";
import { isKept, openKept, tellAge } from "./kept/opening.js";
import { wipe } from "./kept/store.js";
import { openChat } from "./opening.js";
import { EMBED, LOGIN, SERVER } from "./pages.js";
import { followDrafts } from "./tabs.js";
import { Teller } from "./telling/teller.js";
import { me, readAnewWhenRestored, showOtherUser } from "./whose.js";

/** @import { User } from "../im/types.js" */
/** @import { KeptState } from "./kept/store.js" */

/**
 * @param {User} user whose chat it is
 * @param {KeptState | null} [kept] what is shown of it until the server is reached
 */
function start(user, kept = null) {
  const client = new Client({ user, base: SERVER, direct: "direct" in document.body.dataset });
  if (kept) client.restore(kept.chats);
  const { talk, side, navigation, people, choices } = openChat({ client, user, known: kept?.people,
    left: (byUser) => leave(client, byUser ? "" : location.hash) });
  if (kept) tellAge(client, kept);
  if (canKeep) keeping = new Keeping({ client, people, asked: !kept });
  new Teller({ client, people, choices });
  followDrafts(user.id, { talk, side });
  // Somebody else is logged in by now: whatever this page would still show isn't theirs.
  client.on("other-user", () => {
    keeping?.end();
    side.end();
    navigation.end();
    showOtherUser(user.nickname);
    talk.close(); // also what is being recorded
  });
}

const canKeep = "serviceWorker" in navigator;
/** @type {Keeping | null} */
let keeping = null;

/**
 * To the login: logged out, here or elsewhere.
 * @param {Client} client
 * @param {string} hash the chat to come back to
 */
async function leave(client, hash) {
  client.stop();
  await keeping?.end();
  location.replace(LOGIN + carried(hash));
}

/** The chat of who was here last: the server can't be reached. */
async function startKept() {
  const kept = await openKept();
  if (kept) start(kept.user, kept);
}

/** Nobody is logged in: nothing of anybody stays. */
async function toLogin() {
  await wipe();
  location.replace(LOGIN + carried(location.hash));
}

readAnewWhenRestored();
// In a frame of another site the user is the one whom that site names. The server says so, too, where browsers tell it.
if (globalThis.top !== globalThis.self) location.replace(EMBED);
else if (me) start(me);
else if (isKept) startKept();
else toLogin();

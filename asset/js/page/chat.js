// The chat page: the chat of whoever is logged in with this browser.

import { Client } from "../im/index.js";
import { carried } from "./chat-address.js";
import { openChat } from "./opening.js";
import { EMBED, LOGIN, SERVER } from "./pages.js";
import { Teller } from "./telling/teller.js";
import { me, readAnewWhenRestored, showOtherUser } from "./whose.js";

/** @import { User } from "../im/types.js" */

/** @param {User} user whose chat it is */
function start(user) {
  const client = new Client({ user, base: SERVER, direct: "direct" in document.body.dataset });
  const { talk, side, navigation, people, choices } = openChat({ client, user, left: (byUser) => leave(client, byUser ? "" : location.hash) });
  new Teller({ client, people, choices });
  // Somebody else is logged in by now: whatever this page would still show isn't theirs.
  client.on("other-user", () => {
    side.end();
    navigation.end();
    showOtherUser();
    talk.close(); // also what is being recorded
  });
}

/**
 * To the login: logged out, here or elsewhere.
 * @param {Client} client
 * @param {string} hash the chat to come back to
 */
function leave(client, hash) {
  client.stop();
  location.replace(LOGIN + carried(hash));
}

readAnewWhenRestored();
// In a frame of another site the user is the one whom that site names. The server says so, too, where browsers tell it.
if (globalThis.top !== globalThis.self) location.replace(EMBED);
else if (me) start(me);
else location.replace(LOGIN + carried(location.hash));

/**
 * A client of the chat for any page. It handles sockets, order and resending, and nothing that is shown:
 *
 *   import { Client, CMD, MEDIA } from "/asset/js/im/index.js";
 *
 *   const client = new Client({ user: { id: 2 } });   // by the cookie, if it is theirs; elsewhere also {base, token}
 *   client.on("message", (conversation, message) => console.log(message.userid, message.content));
 *   client.on("state", (state) => console.log(state)); // online, connecting, offline
 *   client.start();
 *   client.send(CMD.SINGLE, 3, { media: MEDIA.TEXT, content: "hello" });
 *
 * A message sent without a network, or just before the page is closed, is sent when there is one again, once.
 * The events are described in client.js, the shapes of what is passed with them in types.js.
 */
export { Client } from "./client.js";
export { CMD, MEDIA, conversationOf, isEvent, keyOf } from "./codes.js";
export { markLogin } from "./login-mark.js";
export { Refused } from "./refused.js";
export { Rest } from "./rest.js";
export { EXACT } from "./unread.js";

/**
 * A client of the chat for any page. It knows sockets, order and resending, and nothing of how things look:
 *
 *   import { Client, CMD, MEDIA } from "/asset/js/im/index.js";
 *
 *   const client = new Client({ user: { id: 2 } });   // the cookie says who; elsewhere also {base, token}
 *   client.on("message", (conversation, message) => console.log(message.userid, message.content));
 *   client.on("state", (state) => console.log(state)); // online, connecting, offline
 *   client.start();
 *   client.send(CMD.SINGLE, 3, { media: MEDIA.TEXT, content: "hello" });
 *
 * A message sent without a network, or just before the page is closed, is sent when there is one again, once.
 * All the events stand in client.js.
 */
export { Client } from "./client.js";
export { CMD, MEDIA, conversationOf, keyOf } from "./codes.js";
export { Rest, Refused } from "./rest.js";

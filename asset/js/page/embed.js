// The chat in a frame of another site's page. That page, and no other, names the user by a token, which is kept in memory
// alone; the cookie is never used. asset/js/embed.js is the other end.

import { CMD, Client, Rest } from "../im/index.js";
import { h } from "./element.js";
import { icon } from "./icon.js";
import { openChat, openConversation } from "./opening.js";
import { SERVER } from "./pages.js";
import { applyTheme } from "./theme.js";
import { t } from "./words.js";

/** @import { Address } from "./types.js" */

/**
 * What the page around this one says: `to` is the conversation, without it the whole chat is shown.
 * @typedef {{ twim: "open", token: string, to?: { user?: number, group?: number } | null, theme?: unknown }} Open
 */

const AGAIN = 3_000; // ms after which the server is asked again that couldn't be reached
const sites = document.querySelector("meta[name=sites]")?.getAttribute("content")?.split(" ") ?? [];
const around = globalThis.parent;
let host = ""; // the origin of the page around, once it has opened the chat
let inView = false;
let told = "";

/**
 * @param {string} what
 * @param {object} [more]
 */
const tell = (what, more) => around.postMessage({ twim: what, ...more }, host);

/** @param {MessageEvent} event */
function heard({ source, origin, data }) {
  if (source !== around || around === globalThis.self || !sites.includes(origin) || !data) return;
  if (data.twim === "open" && !host && typeof data.token === "string") {
    host = origin;
    applyTheme(data.theme);
    begin(data);
  } else if (data.twim === "theme" && origin === host) {
    applyTheme(data.theme);
  }
}

/** @param {Open} opened */
async function begin(opened) {
  const { token, to } = opened;
  const rest = new Rest({ base: SERVER, token });
  try {
    const user = await rest.data("/user/find", { id: "me" });
    const client = new Client({ user, base: SERVER, token, direct: "direct" in document.body.dataset });
    show(client, { user, address: addressOf(to) });
  } catch (error) {
    if (/** @type {{ loggedOut?: boolean }} */ (error).loggedOut) ended(false);
    else setTimeout(() => begin(opened), AGAIN);
  }
}

/**
 * @param {Client} client
 * @param {{ user: import("../im/types.js").User, address: Address | null }} what
 */
function show(client, { user, address }) {
  const left = () => {
    client.stop();
    ended(true);
  };
  client.on("state", (state) => tell("state", { state }));
  client.on("conversations", () => tellUnread(client, address));
  // Whoever is logged in around the frame is logged in here, too.
  const opening = { client, user, left, inView: () => inView, logsOut: false };
  if (address) openConversation(opening, address);
  else openChat(opening);
}

/**
 * @param {Client} client
 * @param {Address | null} address
 */
function tellUnread(client, address) {
  const counted = address ? [client.conversation(address.scope, address.dstid)] : client.conversations();
  const unread = counted.reduce((sum, one) => sum + one.unread, 0);
  const mentions = counted.reduce((sum, one) => sum + one.mentions, 0);
  if (told === `${unread} ${mentions}`) return;
  told = `${unread} ${mentions}`;
  tell("unread", { unread, mentions });
}

/**
 * The token is good no more; the page around may have another one. `worked` says whether it ever was.
 * @param {boolean} worked
 */
function ended(worked) {
  document.body.dataset.ended = "";
  document.body.replaceChildren(h("main.ended", { role: "alert" }, h("span.ended-icon", {}, icon("leave")),
    h("h1", {}, t("embed.ended")), h("p", {}, t("embed.reload"))));
  tell("token", { worked });
}

/**
 * @param {Open["to"]} to
 * @returns {Address | null}
 */
function addressOf(to) {
  if (!to) return null;
  return to.group ? { scope: CMD.GROUP, dstid: Number(to.group) } : { scope: CMD.SINGLE, dstid: Number(to.user) };
}

// A frame that is hidden, or far down its page, is part of a visible page all the same: what comes then isn't read.
new IntersectionObserver((entries) => {
  inView = entries.at(-1)?.isIntersecting ?? false;
  if (inView) globalThis.dispatchEvent(new Event("focus"));
}).observe(document.documentElement);

globalThis.addEventListener("message", heard);

// Puts the parts of the chat together for one user: all of it, or one conversation alone.

import { expiryOf } from "../im/addresses.js";
import { iconButton } from "./button.js";
import { h, part } from "./element.js";
import { Finder } from "./find/finder.js";
import { leadsTo } from "./leads.js";
import { Navigation, talkInView } from "./navigation.js";
import { Chats } from "./panel/chats.js";
import { Friends } from "./panel/friends.js";
import { Groups } from "./panel/groups.js";
import { Me } from "./panel/me.js";
import { showWith } from "./panel/show.js";
import { Side } from "./panel/side.js";
import { People } from "./people.js";
import { listenForShortcuts, showShortcuts } from "./shortcuts.js";
import { Talk } from "./talk/talk.js";
import { Choices } from "./telling/choices.js";
import { t } from "./words.js";

/** @import { Client } from "../im/index.js" */
/** @import { User } from "../im/types.js" */
/** @import { KnownPeople } from "./kept/store.js" */
/** @import { Address } from "./types.js" */

/**
 * `known` are the people who were known when the page was open before; `left(byUser)` is called when the log-in has ended, here by the user or elsewhere; `inView()` says whether the page can be seen, and
 * `logsOut` whether the user may log out here.
 * @typedef {{ client: Client, user: User, known?: KnownPeople | null, left: (byUser?: boolean) => void, inView?: () => boolean, logsOut?: boolean }} Opening
 */

const RENEW_EVERY = 20 * 60_000; // ms
const RENEW_FAILED_EVERY = 60_000; // ms

/**
 * Shows the lists and the chat window, and connects.
 * @param {Opening} opening
 */
export function openChat({ client, user, known, left, inView = () => true, logsOut = true }) {
  const people = new People(client.rest, user);
  if (known) people.restore(known);
  const choices = new Choices(client.rest, user.id);
  const show = showWith({ client, people }, leadsTo({ user, talk: () => talk, open: (address) => navigation.open(address) }));
  const frame = part(".app");
  const talk = new Talk(part(".talk"), { client, people, show, inView: () => inView() && talkInView(frame) });
  const panels = {
    chats: new Chats({ client, people, show }),
    friends: new Friends({ rest: client.rest, people, show }),
    groups: new Groups({ people, show }),
    me: new Me({ client, people, choices, unsentFiles: () => talk.unsentFiles, leave: () => left(true) }, logsOut),
  };
  const side = new Side(part(".side"), { client, people, panels });
  const navigation = new Navigation(frame, { talk, show, me: user.id, moved: () => side.redraw() });
  side.showPanel("chats");
  side.showState("connecting");
  const finder = new Finder({ client, people, show });
  part(".side-tools").before(iconButton("search", t("find.title"), () => finder.open(), ".find-opener"));
  listenForShortcuts({ step: (by) => step(client, by), find: () => finder.open() });
  document.querySelector(".side-foot")?.append(h("button.round.keys-help",
    { type: "button", "aria-label": t("keys.title"), title: t("keys.title"), onclick: showShortcuts }, "?"));
  connect({ client, people, left });
  navigation.go();
  return { talk, side, navigation, people, choices };
}

/**
 * Shows one conversation and nothing that leads away from it, and connects.
 * @param {Opening} opening
 * @param {Address} address
 */
export function openConversation({ client, user, left, inView = () => true }, { scope, dstid }) {
  const people = new People(client.rest, user);
  const show = showWith({ client, people }, leadsTo({ user, talk: () => talk, only: { scope, dstid } }));
  const talk = new Talk(part(".talk"), { client, people, show, inView });
  document.body.dataset.one = "";
  part(".app").dataset.part = "talk";
  connect({ client, people, left });
  talk.open(scope, dstid);
}

/** @param {{ client: Client, people: People, left: () => void }} parts */
function connect({ client, people, left }) {
  keepUpToDate(people, client);
  client.on("unauthorized", left);
  watchPage(client);
  renewPictures(people);
  client.start();
  people.load().catch((error) => error.loggedOut && left());
}

/**
 * @param {People} people
 * @param {Client} client
 */
function keepUpToDate(people, client) {
  client.on("state", (state) => { if (state === "online") people.load().catch(() => null); });
  client.on("presence", ({ userid, online }) => people.presence(userid, online));
  client.on("changed", (frame) => {
    people.changed(frame);
    if (frame.what === "group") client.refresh().catch(() => null); // the next change reads the list again
  });
}

/**
 * Opens the chat that is `by` rows further down in the list than the open one; the first where none is.
 * @param {Client} client
 * @param {number} by
 */
function step(client, by) {
  const keys = client.conversations().map(({ scope, dstid }) => `#${scope}:${dstid}`);
  const next = keys[keys.indexOf(location.hash) + by];
  if (next) location.hash = next;
}

/** @param {Client} client */
function watchPage(client) {
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && client.hurry());
  globalThis.addEventListener("focus", () => client.hurry()); // a window beside another was never hidden
  // A file that is dropped beside the chat would otherwise be opened instead of the page.
  for (const event of /** @type {const} */ (["dragover", "drop"])) document.addEventListener(event, keepPage);
}

/**
 * The addresses of pictures expire while the page is open.
 * @param {People} people
 */
function renewPictures(people) {
  setInterval(() => people.renew(), RENEW_EVERY);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && people.renew());
  globalThis.addEventListener("focus", () => people.renew());
  let failed = -Infinity;
  // One that can't be loaded, though by this machine's clock it could: an error doesn't bubble.
  document.addEventListener("error", ({ target }) => {
    if (!(target instanceof HTMLImageElement) || !target.closest(".avatar")) return;
    if (expiryOf(target.src) === Infinity || Date.now() < failed + RENEW_FAILED_EVERY) return;
    failed = Date.now();
    people.renew(Infinity);
  }, true);
}

/** @param {DragEvent} event */
function keepPage(event) {
  if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
}

// Shows what is pushed, and leads to it. The server puts a line before this script: `self.twim`, with the words and the
// addresses that it uses, relative to the site's root.

/**
 * @typedef {{ words: Record<string, string>, chat: string, icon: string, badge: string }} Known
 * @typedef {object} Told what the server pushes: see docs/protocol.md
 * @property {number} scope
 * @property {number} dstid
 * @property {number} seq
 * @property {number} at
 * @property {number} userid
 * @property {string} name
 * @property {string} [group]
 * @property {number} [media]
 * @property {string} [words]
 */

const worker = /** @type {ServiceWorkerGlobalScope & { twim: Known }} */ (/** @type {unknown} */ (self));
const known = worker.twim;

/** @param {string} key */
const t = (key) => known.words[key] ?? key;

const KINDS = new Map([[2, () => t("media.news")], [3, () => t("media.voice")], [4, () => t("media.picture")],
  [5, () => t("media.red-packet")], [6, () => t("push.emoji")], [7, () => t("media.link")], [8, () => t("media.video")],
  [9, () => t("media.contact")]]);

/** @param {string} path */
const address = (path) => new URL(path, worker.registration.scope).href;

/** @param {Told} told */
function lineOf({ group, name, media, words }) {
  const line = words || (KINDS.get(media ?? 0)?.() ?? t("push.new"));
  return group ? `${name}: ${line}` : line;
}

/** @param {Told} told */
async function show(told) {
  const tag = `${told.scope}:${told.dstid}`;
  // One that was tried again may come after a newer one; browsers want something shown for each.
  const before = (await worker.registration.getNotifications({ tag })).map(({ data }) => /** @type {Told} */ (data));
  const newest = before.find(({ seq }) => seq > told.seq) ?? told;
  const more = { renotify: newest === told, timestamp: newest.at };
  await worker.registration.showNotification(newest.group || newest.name, {
    body: lineOf(newest), tag, icon: address(known.icon), badge: address(known.badge), data: newest, ...more,
  });
}

/**
 * Opens the conversation in the chat that is open already, or in a new one.
 * @param {Told} told
 */
async function open({ scope, dstid }) {
  const hash = `#${scope}:${dstid}`;
  const chat = address(known.chat);
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find(({ url }) => url.split("#")[0] === chat);
  if (!page) {
    await worker.clients.openWindow(chat + hash);
    return;
  }
  page.postMessage({ open: hash });
  await page.focus();
}

/**
 * The browser has another address for its pushes.
 * @param {PushSubscription | null} old
 */
async function subscribeAnew(old) {
  if (!old) return; // then the page does it when it is opened next
  const found = await worker.registration.pushManager.subscribe(
    { userVisibleOnly: true, applicationServerKey: old.options.applicationServerKey });
  const { endpoint, keys } = found.toJSON();
  const body = new URLSearchParams({ endpoint: endpoint ?? "", p256dh: keys?.p256dh ?? "", auth: keys?.auth ?? "" });
  await fetch(address("push/subscribe"), { method: "POST", body });
}

worker.addEventListener("install", () => worker.skipWaiting());
worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("push", (event) => { if (event.data) event.waitUntil(show(event.data.json())); });
worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data));
});
worker.addEventListener("pushsubscriptionchange", (event) => {
  const { oldSubscription } = /** @type {{ oldSubscription?: PushSubscription }} */ (/** @type {unknown} */ (event));
  /** @type {ExtendableEvent} */ (event).waitUntil(subscribeAnew(oldSubscription ?? null));
});

// Shows what is pushed, and leads to it; opens the chat without a network. The server puts a line before this script:
// `self.twim`, with the words and the addresses that it uses, relative to the site's root.

/**
 * @typedef {{ words: Record<string, string>, lang: string, chat: string, kept: string, icon: string, badge: string }} Known
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

const PATIENCE = 3_000; // ms that the network has to bring the page, before the kept one is opened
const GONE = new Set([502, 503, 504]); // what a proxy answers, or the server itself, where there is no chat now
const ASSET = /\/asset\/[0-9a-f]{16}\/[^"'?#\s]+/gu; // an address that is named by what it holds
const CACHES = `twim:${new URL(worker.registration.scope).pathname}:`; // another server of this site has another scope

/**
 * Keeps the chat page, as it is for nobody, with all files that it names, and removes that of the release before. The
 * page goes in last: it is never there without its files. Nothing in it is of a user.
 */
async function keepShell() {
  const how = /** @type {const} */ ({ credentials: "omit", cache: "no-store", redirect: "error" });
  const page = await fetch(address(known.kept), { ...how, headers: { "Accept-Language": known.lang } });
  const text = await page.clone().text();
  const files = [...new Set([...text.matchAll(/(?:href|src)="([^"]+)"/gu)].map(([, to]) => to))].filter((to) => to.match(ASSET));
  const release = /\/asset\/([0-9a-f]{16})\//u.exec(files[0] ?? "")?.[1];
  if (!page.ok || !release) return;
  const cache = await caches.open(CACHES + release);
  await Promise.all(files.map(async (to) => (await cache.match(to, ANY)) ?? keepAsset(cache, to)));
  await cache.put(address(known.kept), page);
  for (const name of await caches.keys()) if (name.startsWith(CACHES) && name !== CACHES + release) await caches.delete(name);
}

const ANY = { ignoreVary: true }; // one encoding is as good as another

/**
 * Throws where the server has another release by now: its files of that name may be others.
 * @param {Cache} cache
 * @param {string} to
 */
async function keepAsset(cache, to) {
  const file = await fetch(to, { credentials: "omit" });
  if (!file.ok || !file.headers.get("Cache-Control")?.includes("immutable")) throw new Error(`${to} isn't of this release`);
  await cache.put(to, file);
}

/**
 * Whether the kept page has anything to show: something is kept of somebody, by asset/js/page/kept/store.js.
 * @returns {Promise<boolean>}
 */
const isOwned = () => new Promise((done) => {
  const opening = indexedDB.open(`twim${new URL(worker.registration.scope).pathname.slice(0, -1)}`);
  opening.onupgradeneeded = () => opening.transaction?.abort(); // there is none, and none is made here
  opening.onerror = () => done(false);
  opening.onsuccess = () => {
    const owner = opening.result.transaction("kept").objectStore("kept").get("owner");
    owner.onsuccess = () => done(Boolean(owner.result));
    opening.result.close(); // once that is answered
  };
});

/**
 * The chat page: of the network, else, or where that takes long and something is kept, the kept one.
 * @param {FetchEvent} event
 * @returns {Promise<Response>}
 */
async function opened(event) {
  const network = fetch(event.request);
  const waited = new Promise((done) => { setTimeout(() => done(null), PATIENCE); });
  const slow = waited.then(isOwned).then((owned) => (owned ? null : network));
  const answer = await Promise.race([network, slow]).catch(() => null);
  if (answer && !GONE.has(answer.status)) return answer;
  return (await caches.match(address(known.kept), ANY)) ?? network;
}

/** @param {FetchEvent} event */
function fetched(event) {
  const { method, mode, destination, url } = event.request;
  const [where] = url.split(/[?#]/u);
  if (method !== "GET" || !where.startsWith(worker.registration.scope)) return;
  if (mode === "navigate") {
    // A frame has the page that the server gives it, and so has everything but the chat.
    if (destination === "document" && where === address(known.chat)) event.respondWith(opened(event));
  } else if (where.match(ASSET)) {
    event.respondWith(caches.match(event.request, ANY).then((held) => held ?? fetch(event.request)));
  }
}

worker.addEventListener("install", () => worker.skipWaiting());
worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("fetch", fetched);
// A page says so once it is connected: then nothing waits for what is loaded here. What fails is tried with the next page.
worker.addEventListener("message", (event) => { if (event.data?.keep) event.waitUntil(keepShell().catch(() => null)); });
worker.addEventListener("push", (event) => { if (event.data) event.waitUntil(show(event.data.json())); });
worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data));
});
worker.addEventListener("pushsubscriptionchange", (event) => {
  const { oldSubscription } = /** @type {{ oldSubscription?: PushSubscription }} */ (/** @type {unknown} */ (event));
  /** @type {ExtendableEvent} */ (event).waitUntil(subscribeAnew(oldSubscription ?? null));
});

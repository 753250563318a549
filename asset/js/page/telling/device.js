// This browser as one that is told of messages: what it allows, and its subscription at the push service of its maker.

import { language } from "../words.js";
import { WORKER } from "../pages.js";

/** @import { Rest } from "../../im/index.js" */

/** @typedef {"insecure" | "unable" | "denied" | "able"} Ability what the browser allows; `insecure` is a page by plain HTTP */

/** @returns {Ability} */
export function ability() {
  if (!globalThis.isSecureContext) return "insecure";
  if (!("Notification" in globalThis) || !("serviceWorker" in navigator)) return "unable";
  return Notification.permission === "denied" ? "denied" : "able";
}

/** Whether notifications may be shown. */
export const isAllowed = () => ability() === "able" && Notification.permission === "granted";

/** @type {ServiceWorkerRegistration | null} */
let known = null;

/** Registers the service worker; null where there can be none. Its words are of the page's language. */
export async function registered() {
  if (!("serviceWorker" in navigator)) return null;
  const how = /** @type {const} */ ({ updateViaCache: "none" });
  known ??= await navigator.serviceWorker.register(`${WORKER}?lang=${language}`, how).catch(() => null);
  return known;
}

/**
 * Asks for what is needed and subscribes; tells whether the server can push here, or only an open page can tell. False
 * when the user doesn't allow it.
 * @param {Rest} rest
 * @returns {Promise<false | "pushed" | "open">}
 */
export async function turnOn(rest) {
  if ((await Notification.requestPermission()) !== "granted") return false;
  return (await subscribe(rest)) ? "pushed" : "open";
}

/**
 * Has the server push to this browser. False where that can't be.
 * @param {Rest} rest
 */
export async function subscribe(rest) {
  const { push: key = "" } = await rest.settings();
  if (!key || !(await registered())) return false;
  const registration = await navigator.serviceWorker.ready;
  if (!registration.pushManager) return false;
  try {
    const found = await subscriptionWith(registration.pushManager, key);
    const { endpoint, keys } = found.toJSON();
    await rest.call("/push/subscribe", { endpoint, p256dh: keys?.p256dh, auth: keys?.auth });
    return true;
  } catch (error) {
    if (/** @type {{ name?: string }} */ (error).name === "Refused") throw error;
    return false; // the browser has no push service, or doesn't reach it
  }
}

/**
 * The subscription for this server's key: one with another key, of a server that was set up anew, is of no use.
 * @param {PushManager} manager
 * @param {string} key
 */
async function subscriptionWith(manager, key) {
  const before = await manager.getSubscription();
  const theirs = before?.options.applicationServerKey;
  if (before && theirs && encoded(theirs) === key) return before;
  await before?.unsubscribe();
  return manager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

/** @param {ArrayBuffer} bytes */
const encoded = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

/**
 * What another user of this browser subscribed and didn't end must not be shown to this one: its push service forgets
 * it, and so does the server when it next pushes there.
 */
export async function endOthers() {
  const found = await (await registered())?.pushManager?.getSubscription();
  await found?.unsubscribe();
}

/**
 * Nothing is pushed to this browser any more.
 * @param {Rest} rest
 */
export async function unsubscribe(rest) {
  const registration = await navigator.serviceWorker?.getRegistration();
  const found = await registration?.pushManager?.getSubscription();
  await rest.call("/push/unsubscribe", { endpoint: found?.endpoint });
  await found?.unsubscribe();
}

// Files that were sent and haven't arrived yet, as the browser keeps them over a reload: an IndexedDB of their own. It has
// bounds of count, size and time; what isn't kept is still sent while its page is open.

import { BrowserStore, result } from "../browser-store.js";
import { BASE } from "../pages.js";

/** @import { Address } from "../types.js" */
/** @import { Said } from "./describe.js" */

/**
 * A file of `user` on its way to a conversation; `cid` is the id of the message that it becomes, `made` when it was sent (ms,
 * later ones of the same moment by fractions).
 * @typedef {object} Kept
 * @property {string} cid
 * @property {number} user
 * @property {number} made
 * @property {Address} conversation
 * @property {File} file
 * @property {Said} said
 */

export const MOST = 50; // files of all users of this browser
export const LARGEST = 256 * 2 ** 20; // bytes of all of them
export const LASTS = 7 * 86_400_000; // ms

const database = new BrowserStore(`twim-uploads${BASE}`, "uploads", { keyPath: "cid" });

/**
 * @param {IDBObjectStore} store
 * @returns {Promise<Kept[]>}
 */
const everything = (store) => result(store.getAll());

/**
 * Whether one more file may be kept beside others.
 * @param {{ file: { size: number } }[]} others
 * @param {{ size: number }} file
 */
export function fits(others, { size }) {
  const bytes = others.reduce((sum, { file }) => sum + file.size, size);
  return others.length < MOST && bytes <= LARGEST;
}

/**
 * False where it can't be kept.
 * @param {Kept} upload
 */
export function keep(upload) {
  return database.transaction("readwrite", async (store) => {
    if (!fits(await everything(store), upload.file)) return false;
    await result(store.put(upload));
    return true;
  }, false);
}

/** @param {string} cid */
export const isKept = (cid) => database.transaction("readonly", async (store) => Boolean(await result(store.getKey(cid))), false);

/** @param {string} cid */
export const drop = (cid) => database.transaction("readwrite", (store) => result(store.delete(cid)), undefined);

/**
 * Those of `user`, in the order in which they were sent. What has waited too long is removed, whosever it is.
 * @param {number} user
 * @returns {Promise<Kept[]>}
 */
export function keptOf(user) {
  return database.transaction("readwrite", async (store) => {
    const all = await everything(store);
    const old = Date.now() - LASTS;
    for (const { cid, made } of all) if (!(made > old)) store.delete(cid);
    return all.filter((one) => one.user === user && one.made > old).sort((a, b) => a.made - b.made);
  }, /** @type {Kept[]} */ ([]));
}

/**
 * Removes those of `user`, who logs out.
 * @param {number} user
 */
export function wipe(user) {
  return database.transaction("readwrite", async (store) => {
    for (const one of await everything(store)) if (one.user === user) store.delete(one.cid);
  }, undefined);
}

// Files that were sent and haven't arrived yet, as the browser keeps them over a reload: an IndexedDB of their own. It has
// bounds of count, size and time; what isn't kept is still sent while its page is open.

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

const [NAME, STORE] = [`twim-uploads${BASE}`, "uploads"];

/** @type {Promise<IDBDatabase> | null} */
let opening = null;

/** @returns {Promise<IDBDatabase>} */
function database() {
  opening ??= new Promise((done, failed) => {
    const request = globalThis.indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "cid" });
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
  return opening;
}

/**
 * @template Result
 * @param {IDBRequest<Result>} request
 * @returns {Promise<Result>}
 */
const result = (request) => new Promise((done, failed) => {
  request.onsuccess = () => done(request.result);
  request.onerror = () => failed(request.error);
});

/**
 * `otherwise` where the browser has no database: a private window or a frame may be refused one.
 * @template Result
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => Promise<Result>} work
 * @param {Result} otherwise
 * @returns {Promise<Result>}
 */
async function transaction(mode, work, otherwise) {
  try {
    const open = (await database()).transaction(STORE, mode);
    const ended = new Promise((done, failed) => {
      open.oncomplete = () => done(null);
      open.onabort = () => failed(open.error);
    });
    const [found] = await Promise.all([work(open.objectStore(STORE)), ended]);
    return found;
  } catch {
    return otherwise;
  }
}

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
  return transaction("readwrite", async (store) => {
    if (!fits(await everything(store), upload.file)) return false;
    await result(store.put(upload));
    return true;
  }, false);
}

/** @param {string} cid */
export const isKept = (cid) => transaction("readonly", async (store) => Boolean(await result(store.getKey(cid))), false);

/** @param {string} cid */
export const drop = (cid) => transaction("readwrite", (store) => result(store.delete(cid)), undefined);

/**
 * Those of `user`, in the order in which they were sent. What has waited too long is removed, whosever it is.
 * @param {number} user
 * @returns {Promise<Kept[]>}
 */
export function keptOf(user) {
  return transaction("readwrite", async (store) => {
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
  return transaction("readwrite", async (store) => {
    for (const one of await everything(store)) if (one.user === user) store.delete(one.cid);
  }, undefined);
}

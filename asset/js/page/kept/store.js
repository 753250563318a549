// What this browser keeps of one user's chats, so that the page opens without a network: an IndexedDB of the server's. It
// holds what is of one user at a time, and every change asks first whose it is: what another page of this browser, of
// somebody who has logged out meanwhile, would still write is dropped.

import { BrowserStore, result } from "../browser-store.js";
import { BASE } from "../pages.js";

/** @import { Group, Message, Row, User } from "../../im/types.js" */

/**
 * @typedef {{ row: Row, messages: Message[], filled: number }} KeptChat `filled` is when its page was read of the server (ms)
 * @typedef {{ users: User[], friends: number[], groups: Group[] }} KnownPeople
 * @typedef {{ user: User, at: number }} Owner `at` is when the server last answered as to this user (ms)
 * @typedef {{ user: User, at: number, people: KnownPeople | null, chats: KeptChat[] }} KeptState
 */

export const LASTS = 30 * 86_400_000; // ms without the server, after which the log-in has ended there, too

const WIPED = 1_000; // ms that who leaves waits for what is removed
// asset/js/worker/service-worker.js looks there, too, whether something is kept.
const database = new BrowserStore(`twim${BASE}`, "kept");
const [OWNER, PEOPLE] = ["owner", "people"];

/** @param {IDBObjectStore} store @returns {Promise<Owner | undefined>} */
const ownerOf = (store) => result(store.get(OWNER));

/**
 * The server has answered this user now: what is kept from here on is theirs, and what was somebody else's is removed.
 * @param {User} user
 */
export function begin(user) {
  return database.transaction("readwrite", async (store) => {
    if ((await ownerOf(store))?.user.id !== user.id) await result(store.clear());
    const { token: _, ...plain } = user;
    await result(store.put({ user: plain, at: Date.now() }, OWNER));
  }, undefined);
}

/**
 * All that is kept, and of whom; null where nothing is, or the log-in must have ended since.
 * @returns {Promise<KeptState | null>}
 */
export async function read() {
  const found = await database.transaction("readonly", async (store) => {
    const owner = await ownerOf(store);
    if (!owner) return null;
    const people = /** @type {KnownPeople | undefined} */ (await result(store.get(PEOPLE))) ?? null;
    const all = /** @type {(KeptChat | object)[]} */ (await result(store.getAll()));
    return { ...owner, people, chats: /** @type {KeptChat[]} */ (all.filter((one) => "row" in one)) };
  }, null);
  if (!found || Math.abs(Date.now() - found.at) < LASTS) return found;
  await wipe();
  return null;
}

/**
 * Changes what is kept of `user`; does nothing where that is somebody else's by now, or nobody's. `changed(key, before)`
 * gives the chat to keep under that key. `keys` are all that are kept afterwards: others are removed.
 * @param {number} user
 * @param {{ keys: string[], some: string[], people: KnownPeople | null,
 *   changed: (key: string, before: KeptChat | undefined) => KeptChat | undefined }} change
 */
export function change(user, { keys, some, people, changed }) {
  return database.transaction("readwrite", async (store) => {
    const owner = await ownerOf(store);
    if (owner?.user.id !== user) return;
    store.put({ ...owner, at: Date.now() }, OWNER);
    if (people) store.put(people, PEOPLE);
    for (const key of some) {
      const kept = changed(key, await result(store.get(key)));
      if (kept) store.put(kept, key);
    }
    const stay = new Set([OWNER, PEOPLE, ...keys]);
    for (const key of await result(store.getAllKeys())) if (!stay.has(String(key))) store.delete(key);
  }, undefined);
}

/**
 * Removes all that is kept if `which` says so of its owner. Nobody waits for it longer than a second.
 * @param {(owner: number | undefined) => boolean} which
 */
async function removed(which) {
  const wiped = database.transaction("readwrite", async (store) => {
    if (which((await ownerOf(store))?.user.id)) await result(store.clear());
  }, undefined);
  await Promise.race([wiped, new Promise((done) => { setTimeout(done, WIPED); })]);
}

/**
 * Removes all that is kept; with `user`, only if it is theirs.
 * @param {number} [user]
 */
export const wipe = (user) => removed((owner) => user === undefined || owner === user);

/**
 * Removes what is kept of anybody but `user`, who has just logged in.
 * @param {number} user
 */
export const wipeOthers = (user) => removed((owner) => owner !== user);

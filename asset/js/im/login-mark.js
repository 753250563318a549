// Who is logged in with this browser, as its pages tell one another through localStorage. It is only a reason to ask
// the server: what counts is the cookie, which no script may read.

/** @import { Store } from "./types.js" */

const NAME = "im:who";

/**
 * Tells the other pages that `user` has logged in, or, with `left`, has logged out.
 * @param {Store} storage
 * @param {number} user
 * @param {{ left?: boolean }} [options]
 */
export function markLogin(storage, user, { left = false } = {}) {
  const mark = left ? `-${user}` : String(user);
  try {
    if (storage.getItem(NAME) !== mark) storage.setItem(NAME, mark);
  } catch {
    // The storage is full: the other pages notice at their next request.
  }
}

/**
 * Whether the newest mark says that `user` has logged out.
 * @param {Store} storage
 * @param {number} user
 */
export const hasLeft = (storage, user) => storage.getItem(NAME) === `-${user}`;

/**
 * Whether a storage event may mean that `user` isn't logged in any more.
 * @param {{ key: string | null, newValue: string | null }} event
 * @param {number} user
 */
export const mayEndLogin = ({ key, newValue }, user) => key === null || (key === NAME && newValue !== String(user));

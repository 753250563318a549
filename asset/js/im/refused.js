// Requests that the server refused, or that it couldn't be asked.

import { OTHER_USER } from "./codes.js";

/** @import { Envelope } from "./types.js" */

/**
 * The server refused (`status`, `code`, `message`), or couldn't be reached (`status` 0). `wait` is after how many milliseconds
 * what was refused for a limit would pass; 0 where nothing is said.
 */
export class Refused extends Error {
  /**
   * @param {string} message
   * @param {{ code?: number, status?: number, wait?: number }} [answer]
   */
  constructor(message, { code = -1, status = 0, wait = 0 } = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.wait = wait;
  }

  get loggedOut() { return this.status === 401; }

  /** Whether another user is logged in with this browser than the one for whom the request was made. */
  get otherUser() { return this.code === OTHER_USER; }
}

/**
 * Whether a request failed because its user isn't logged in any more.
 * @param {unknown} error
 * @returns {error is Refused}
 */
export const endsLogin = (error) => error instanceof Refused && (error.loggedOut || error.otherUser);

/**
 * The body of an answer. Throws a Refused when it doesn't say that the request was done.
 * @param {number} status
 * @param {string} text
 * @returns {Envelope}
 */
export function unwrap(status, text) {
  let envelope;
  try {
    envelope = JSON.parse(text);
  } catch {
    throw new Refused(status === 413 ? "too large" : `answer ${status}`, { status });
  }
  if (envelope?.code !== 0) throw new Refused(envelope?.msg || `answer ${status}`, { code: envelope?.code, status, wait: Number(envelope?.wait) || 0 });
  return envelope;
}

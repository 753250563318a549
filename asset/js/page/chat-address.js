// The part after "#" of the chat page's address: which chat is open, at which message, or whose card.

/** @import { Address } from "./types.js" */

const MESSAGE = /^#(10|11):([1-9]\d{0,15})(?:-([1-9]\d{0,15}))?:([1-9]\d{0,15})$/;

/**
 * "10" or "11" and the peer's or the group's id, or nothing.
 * @param {string} hash
 */
export const chatIn = (hash) => /^#(10|11):([1-9]\d{0,15})$/.exec(hash)?.slice(1) ?? [];

/**
 * Whether it is the address of a message.
 * @param {string} hash
 */
export const isMessage = (hash) => MESSAGE.test(hash);

/**
 * The message that an address means, as the user `me` names its conversation; null where it is none, or of a chat of others.
 * @param {string} hash
 * @param {number} me
 * @returns {Address & { seq: number } | null}
 */
export function messageIn(hash, me) {
  const [scope, one, other, seq] = MESSAGE.exec(hash)?.slice(1).map(Number) ?? [];
  if (!scope) return null;
  if (Number.isNaN(other)) return { scope, dstid: one, seq };
  if (scope !== 10 || (one !== me && other !== me)) return null;
  return { scope, dstid: one === me ? other : one, seq };
}

/**
 * The address of a message, the same for all who may read it: "#11:7:417", of a chat of two with both of them, "#10:2-3:417".
 * @param {Address} conversation as the user `me` names it
 * @param {number} seq
 * @param {number} me
 */
export function messageHash({ scope, dstid }, seq, me) {
  const name = scope === 10 ? `${Math.min(me, dstid)}-${Math.max(me, dstid)}` : dstid;
  return `#${scope}:${name}:${seq}`;
}

/**
 * What of a fragment is carried through the log-in: a chat, a message or a contact's card, else "". It is only ever put
 * behind the path of our own chat page, so it can't lead to another site.
 * @param {string} hash
 */
export const carried = (hash) => (chatIn(hash).length || isMessage(hash) || /^#user=\d{1,16}$/.test(hash) ? hash : "");

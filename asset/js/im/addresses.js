// Addresses of files on the server: signed for a day or two, the same for all who may read what carries them.

/** @import { Words } from "./types.js" */

const SIGNED = /^([^?#]*)\?(?:e=(\d{1,12})&s=[\w-]+|(?=[^#]*\bX-Amz-Signature=)[^#]*)$/u;
const PRESIGNED = /\bX-Amz-Date=(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z&.*\bX-Amz-Expires=(\d{1,9})\b/u;

/**
 * An address without its signature, as it is stored, compared and sent; any other as it is.
 * @template {string | undefined} Address
 * @param {Address} address
 */
export function plainAddress(address) { return SIGNED.exec(address ?? "")?.[1] ?? address; }

/**
 * The fields of a message with its addresses plain.
 * @template {Words} Message
 * @param {Message} message
 * @returns {Message}
 */
export function plainly(message) {
  const { url, pic } = message;
  return { ...message, ...(url && { url: plainAddress(url) }), ...(pic && { pic: plainAddress(pic) }) };
}

/**
 * When the first of these addresses expires, in ms; never, if none is signed.
 * @param {(string | undefined)[]} addresses
 */
export function expiryOf(...addresses) { return Math.min(...addresses.map(expiry)); }

/** @param {string | undefined} address */
function expiry(address) {
  const signed = SIGNED.exec(address ?? "");
  if (!signed) return Infinity;
  if (signed[2]) return Number(signed[2]) * 1000;
  const [year, month, day, hour, minute, second, lasts] = PRESIGNED.exec(address ?? "")?.slice(1).map(Number) ?? [];
  return lasts ? Date.UTC(year, month - 1, day, hour, minute, second) + lasts * 1000 : Infinity;
}

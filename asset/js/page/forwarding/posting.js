// Sending several messages on, each to each of several conversations.

import { MEDIA } from "../../im/index.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Words } from "../../im/types.js" */
/** @import { Address, ShownMessage } from "../types.js" */

/** @type {Set<number>} */
const KINDS = new Set([MEDIA.TEXT, MEDIA.NEWS, MEDIA.VOICE, MEDIA.IMAGE, MEDIA.EMOJI, MEDIA.LINK, MEDIA.VIDEO, MEDIA.CONTACT]);

/**
 * Whether a message can be sent on.
 * @param {Pick<ShownMessage, "media" | "recalled" | "seq">} message
 */
export const goesOn = ({ media, recalled, seq }) => Boolean(seq) && !recalled && KINDS.has(media);

/**
 * What of a message goes on: what it says and carries. Whom it answered or named belongs to where it was said.
 * @param {Words} message
 * @returns {Words}
 */
export function wordsOf({ media, content, pic, url, memo, amount }) {
  return { media, ...(content && { content }), ...(pic && { pic }), ...(url && { url }), ...(memo && { memo }), ...(amount && { amount }) };
}

/**
 * Posts each message to each conversation, in the order of both, each with an id of its own. While the outbox is full it
 * waits for room. Throws what the client refuses otherwise.
 * @param {Pick<Client, "send" | "on">} client
 * @param {Words[]} messages
 * @param {Address[]} conversations
 */
export async function sendOn(client, messages, conversations) {
  for (const { scope, dstid } of conversations) {
    for (const message of messages) {
      while (!taken(client, scope, dstid, message)) await room(client);
    }
  }
}

/**
 * @param {Pick<Client, "send">} client
 * @param {number} scope
 * @param {number} dstid
 * @param {Words} message
 */
function taken(client, scope, dstid, message) {
  try {
    client.send(scope, dstid, message);
    return true;
  } catch (error) {
    if (error instanceof RangeError && error.message !== "too large") return false;
    throw error;
  }
}

/**
 * Resolves when a message has left the outbox.
 * @param {Pick<Client, "on">} client
 * @returns {Promise<void>}
 */
function room(client) {
  return new Promise((done) => {
    const stops = [client.on("answered", () => end()), client.on("waiting", () => end())];
    const end = () => {
      stops.forEach((stop) => stop());
      done();
    };
  });
}

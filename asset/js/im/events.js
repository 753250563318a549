// What recalls, edits and reactions do to the message that they name.

import { MEDIA, isEvent } from "./codes.js";

/** @import { Message } from "./types.js" */

/**
 * `message` as it looks after `event`.
 * @param {Message} message
 * @param {Message} event
 * @returns {Message}
 */
export function changed(message, event) {
  if (event.media === MEDIA.RECALL) return { ...blank(message), recalled: 1 };
  if (message.recalled) return message;
  const { content, mentions = message.mentions, at: edited } = event;
  if (event.media === MEDIA.EDIT) return { ...message, content, mentions, edited };
  return { ...message, reactions: reacted(message.reactions ?? {}, event.userid, event.content) };
}

/**
 * `message` as it looks after its author, or somebody who reacted to it, was erased.
 * @param {Message} message
 * @param {number} userid
 * @returns {Message}
 */
export function erased(message, userid) {
  if (message.userid === userid && message.media !== MEDIA.NOTICE) {
    return isEvent(message) ? blank(message) : { ...blank(message), recalled: 1 };
  }
  const { reactions = {} } = message;
  if (!Object.values(reactions).some((users) => users.includes(userid))) return message;
  return { ...message, reactions: reacted(reactions, userid) };
}

/**
 * A message without anything that it said.
 * @param {Message} message
 * @returns {Message}
 */
export function blank({ id, cid, seq, userid, cmd, dstid, media, at, ref }) {
  return { id, cid, seq, userid, cmd, dstid, media, at, ref };
}

/**
 * The reactions after `userid` reacted with `emoji`, or took a reaction back. They are collected in a Map, since an
 * "emoji" may be any text, also "__proto__" and "constructor".
 * @param {Record<string, number[]>} reactions
 * @param {number} userid
 * @param {string} [emoji]
 */
function reacted(reactions, userid, emoji) {
  const left = new Map();
  for (const [name, users] of Object.entries(reactions)) {
    const others = users.filter((id) => id !== userid);
    if (others.length) left.set(name, others);
  }
  if (emoji) left.set(emoji, [...(left.get(emoji) ?? []), userid]);
  return Object.fromEntries(left);
}

// The numbers of the protocol (docs/protocol.md).

export const CMD = Object.freeze({
  HEARTBEAT: 0, ANSWER: 1, CATCH_UP: 4, TYPING: 5, READ: 6, PRESENCE: 7, CHANGED: 8, SINGLE: 10, GROUP: 11,
});

export const MEDIA = Object.freeze({
  TEXT: 1, NEWS: 2, VOICE: 3, IMAGE: 4, RED_PACKET: 5, EMOJI: 6, LINK: 7, VIDEO: 8, CONTACT: 9,
  RECALL: 20, EDIT: 21, REACTION: 22, NOTICE: 23, CUSTOM: 100,
});

/** Refusals that pass, after which the same message is sent again: asked too often, storage unavailable. */
export const PASSING = new Set([-5, -6]);

/** Refused because another user is logged in than the one for whom the request was made. */
export const OTHER_USER = -8;

/**
 * "10:3", the name of a conversation. `scope` is the cmd of its messages, `dstid` the other user's id or the group's.
 * @param {number} scope
 * @param {number} dstid
 */
export const keyOf = (scope, dstid) => `${scope}:${dstid}`;

/**
 * The conversation of a message for the user `me`: a chat of two is named by the other one's id.
 * @param {{ cmd: number, userid: number, dstid: number }} message
 * @param {number} me
 */
export function conversationOf(message, me) {
  const toMe = message.cmd === CMD.SINGLE && message.userid !== me;
  return { scope: message.cmd, dstid: toMe ? message.userid : message.dstid };
}

/**
 * Whether a message is an event: one that changes an earlier message and shows nothing itself.
 * @param {{ media: number }} message
 */
export const isEvent = ({ media }) => media >= MEDIA.RECALL && media <= MEDIA.REACTION;

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

/** "10:3": the name of a conversation. `scope` is the cmd of its messages, `dstid` the peer or the group. */
export const keyOf = (scope, dstid) => `${scope}:${dstid}`;

/** Where a message belongs, seen by user `me`: a single message is named by whoever is not me. */
export function conversationOf(message, me) {
  const toMe = message.cmd === CMD.SINGLE && message.userid !== me;
  return { scope: message.cmd, dstid: toMe ? message.userid : message.dstid };
}

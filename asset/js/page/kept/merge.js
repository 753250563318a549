// The last messages of a conversation as they are kept: those that were kept before, and what a page holds now.

import { blank, changed, erased } from "../../im/events.js";
import { MEDIA, isEvent } from "../../im/codes.js";

/** @import { Message } from "../../im/types.js" */

export const MESSAGES = 50; // of a conversation
export const CHARACTERS = 200_000; // of their JSON: a message may have 60,000

/**
 * The messages that end at `head`, ascending and bounded: `held`, and those of `before` that it goes on from, as they look
 * after what `held` did to them. None where neither ends there.
 * @param {Message[]} before
 * @param {Message[]} held
 * @param {number} head
 */
export function merged(before, held, head) {
  const [first] = held;
  const last = before.at(-1)?.seq ?? 0;
  if (!first) return last === head ? bounded(before) : [];
  if (held.at(-1)?.seq !== head) return [];
  const older = last >= first.seq - 1 ? before.filter(({ seq }) => seq < first.seq) : [];
  return bounded([...after(older, held.filter(isEvent)), ...held]);
}

/**
 * `messages` as they look after `events`, oldest first.
 * @param {Message[]} messages
 * @param {Message[]} events
 */
function after(messages, events) {
  const found = new Map(messages.map((message) => [message.seq, message]));
  for (const event of events) {
    const target = found.get(event.ref ?? 0);
    if (target) found.set(target.seq, changed(target, event));
    if (event.media !== MEDIA.RECALL) continue;
    for (const edit of found.values()) if (edit.media === MEDIA.EDIT && edit.ref === event.ref) found.set(edit.seq, blank(edit));
  }
  return [...found.values()];
}

/**
 * The newest of them that are not too many or too much.
 * @param {Message[]} messages
 */
function bounded(messages) {
  const few = messages.slice(-MESSAGES);
  let left = CHARACTERS;
  let from = few.length;
  while (from > 0 && (left -= JSON.stringify(few[from - 1]).length) >= 0) from -= 1;
  return few.slice(from);
}

/**
 * The messages as they look after a user was erased.
 * @param {Message[]} messages
 * @param {number} userid
 */
export const withoutUser = (messages, userid) => messages.map((message) => erased(message, userid));

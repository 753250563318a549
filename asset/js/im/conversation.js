// What is known of one conversation: an unbroken run of messages by seq, and what came too early.

import { MEDIA } from "./codes.js";

export const KEEP = 2000; // messages held per conversation; older ones are paged in again
export const EARLY_BOUND = 500; // messages held beyond a gap; more than that are fetched again anyway
const RECENT_EVENTS = 200; // events kept to mend a page that was read before they happened

/**
 * Holds the messages `low`…`high` without a gap (`low` is `high` + 1 when there are none). `head` is the highest seq
 * known to exist, `read` how far I have read, `peerread` how far the peer has.
 */
export class Conversation {
  #messages = new Map(); #early = new Map(); #events = [];

  constructor(scope, dstid, base = 0) {
    this.scope = scope;
    this.dstid = dstid;
    this.low = base + 1;
    this.high = base;
    this.head = base;
    this.read = 0;
    this.peerread = 0;
    this.last = null;
  }

  get unread() { return Math.max(0, this.head - this.read); }
  get gap() { return this.high < this.head; }
  get size() { return this.#messages.size; }

  at(seq) { return this.#messages.get(seq); }

  /** The held messages in order. */
  *messages() {
    for (let seq = this.low; seq <= this.high; seq++) yield this.#messages.get(seq);
  }

  /** Takes a message that has just happened; answers those that can be shown now, in order. A repeat answers none. */
  receive(message) {
    const { seq } = message;
    this.#noteHead(message);
    if (seq <= this.high || this.#early.has(seq)) return [];
    if (seq > this.high + 1 && this.#early.size >= EARLY_BOUND) return [];
    this.#early.set(seq, message);
    const shown = [];
    for (let next = this.#early.get(this.high + 1); next; next = this.#early.get(this.high + 1)) {
      this.#early.delete(next.seq);
      this.#append(next);
      shown.push(next);
    }
    return shown;
  }

  /**
   * Puts an older page (ascending, ending at `low` - 1) before the run. The page shows what events up to `total`, the
   * head when it was read, have done; what happened since is done to it here.
   */
  prepend(rows, total) {
    for (const row of [...rows].reverse()) {
      if (row.seq !== this.low - 1) continue;
      this.#messages.set(row.seq, row);
      this.low = row.seq;
    }
    for (const event of this.#events) if (event.seq > total) this.#apply(event);
  }

  /** Forgets the held messages and starts again after `head`: what was missed is more than is worth carrying. */
  restart(head) {
    this.#messages.clear();
    this.#early.clear();
    this.low = head + 1;
    this.high = head;
    this.head = Math.max(this.head, head);
  }

  #noteHead(message) {
    if (message.seq < this.head) return;
    this.head = message.seq;
    this.last = message;
  }

  #append(message) {
    this.#messages.set(message.seq, message);
    this.high = message.seq;
    if (message.media >= MEDIA.RECALL && message.media <= MEDIA.REACTION) {
      this.#events.push(message);
      if (this.#events.length > RECENT_EVENTS) this.#events.shift();
      this.#apply(message);
    }
    while (this.#messages.size > KEEP) this.#messages.delete(this.low++);
  }

  #apply(event) {
    const target = this.#messages.get(event.ref);
    if (target) this.#messages.set(event.ref, changed(target, event));
    if (event.media !== MEDIA.RECALL) return;
    for (const edit of this.#messages.values()) {
      if (edit.media === MEDIA.EDIT && edit.ref === event.ref) this.#messages.set(edit.seq, blank(edit));
    }
  }
}

/** `message` as it looks after `event`. */
export function changed(message, event) {
  if (event.media === MEDIA.RECALL) return { ...blank(message), recalled: 1 };
  if (message.recalled) return message;
  const { content, mentions = message.mentions, at: edited } = event;
  if (event.media === MEDIA.EDIT) return { ...message, content, mentions, edited };
  return { ...message, reactions: reacted(message.reactions ?? {}, event.userid, event.content) };
}

/** A message without anything that it said. */
function blank({ id, cid, seq, userid, cmd, dstid, media, at, ref }) {
  return { id, cid, seq, userid, cmd, dstid, media, at, ref };
}

function reacted(reactions, userid, emoji) {
  const left = {};
  for (const [name, users] of Object.entries(reactions)) {
    const others = users.filter((id) => id !== userid);
    if (others.length) left[name] = others;
  }
  if (emoji) left[emoji] = [...(left[emoji] ?? []), userid];
  return left;
}

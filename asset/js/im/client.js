// The chat of one user: conversations kept whole and in order, whatever the network does.

import { CMD, conversationOf, keyOf } from "./codes.js";
import { Connection } from "./connection.js";
import { Conversation } from "./conversation.js";
import { Drafts } from "./drafts.js";
import { Emitter } from "./emitter.js";
import { browserEnvironment } from "./environment.js";
import { History } from "./history.js";
import { Outbox } from "./outbox.js";
import { Rest } from "./rest.js";

export const CATCH_UP_PATIENCE = 20_000; // ms until an open connection without the catch-up's answer is given up
export const LOOK_EVERY = 5_000; // ms between looks at what should be sent again
export const TYPING_EVERY = 3_000; // ms between two typing frames of one conversation

/**
 * Events:
 *   state (online | connecting | offline)
 *   conversations ()                     some row of the list changed
 *   message (conversation, message)      the next message, in order, once: mine and the others'
 *   restarted (conversation)             its messages were forgotten, page them again; without one: all
 *   waiting (entry)                      a message of mine waits to be answered
 *   answered (cid, message), refused (entry)
 *   typing ({scope, dstid, userid}), read (conversation), presence ({userid, online}), changed (frame)
 *   problem (text)                       the server refused a frame that was no message
 *   unauthorized ()                      the login has ended; the client has stopped
 */
export class Client extends Emitter {
  #env; #me; #connection; #outbox; #history; #conversations = new Map(); #epoch = "";
  #catching = false; #begun = false; #doubtful = true; #timer = null; #typed = new Map(); #told = false;

  /** `user` is `{id}`; `base`, `token` and `direct` are those of `Rest`. */
  constructor({ user, base = "", token = null, direct = false, env = browserEnvironment() }) {
    super();
    this.#env = env;
    this.#me = user.id;
    this.rest = new Rest({ base, token, direct, fetch: env.fetch });
    this.drafts = new Drafts({ env, user: user.id });
    this.#outbox = new Outbox({ env, user: user.id });
    this.#history = new History({
      rest: this.rest, env, take: (message) => this.#take(message), restarted: (which) => this.emit("restarted", which),
    });
    const query = token ? `?id=${user.id}&token=${encodeURIComponent(token)}` : "";
    const url = () => (base || globalThis.location.origin).replace(/^http/, "ws") + "/chat" + query;
    this.#connection = new Connection({ env, url, prepare: () => this.#prepare() });
    this.#connection.on("open", () => this.#catchUp());
    this.#connection.on("frame", (frame) => this.#frames[frame.cmd]?.(frame));
    this.#connection.on("state", (state) => this.#stateChanged(state));
  }

  get state() { return this.#connection.state; }

  start() { this.#connection.start(); }

  stop() {
    this.#env.clearTimeout(this.#timer);
    this.#connection.stop();
  }

  /** Asks at once whether the connection lives, or tries at once to have one: for a page that comes back into view. */
  hurry() { this.#connection.hurry(); }

  /** The conversations that hold a message, newest first. */
  conversations() {
    const started = [...this.#conversations.values()].filter((conversation) => conversation.head > 0);
    return started.sort((a, b) => (b.last?.at ?? 0) - (a.last?.at ?? 0));
  }

  conversation(scope, dstid) {
    const key = keyOf(scope, dstid);
    if (!this.#conversations.has(key)) this.#conversations.set(key, new Conversation(scope, dstid));
    return this.#conversations.get(key);
  }

  /** Sends `{media, content, …}`; answers its cid at once, the message itself comes as an event. */
  send(scope, dstid, message) {
    const entry = this.#outbox.add({ ...message, cmd: scope, dstid });
    this.emit("waiting", entry);
    this.#post(entry);
    return entry.message.cid;
  }

  /** What waits for its answer in a conversation, oldest first. */
  waiting(scope, dstid) {
    return this.#outbox.entries.filter(({ message }) => message.cmd === scope && message.dstid === dstid);
  }

  retry(cid) {
    const entry = this.#outbox.retry(cid);
    if (!entry) return;
    this.emit("waiting", entry);
    this.#post(entry);
  }

  discard(cid) {
    const entry = this.#outbox.remove(cid);
    if (entry) this.emit("waiting", entry);
  }

  /** Loads the page before what is held; false when there is nothing older. */
  older(conversation) { return this.#history.older(conversation); }

  /** One message by its seq, held or fetched; null when it can't be had. */
  one(conversation, seq) { return this.#history.one(conversation, seq); }

  /** Everything so far in this conversation was seen. */
  read(conversation) {
    if (conversation.head <= conversation.read) return;
    conversation.read = conversation.head;
    this.#tellRead(conversation);
    this.#listChanged();
  }

  typing(scope, dstid) {
    const key = keyOf(scope, dstid);
    if (this.#env.now() - (this.#typed.get(key) ?? -Infinity) < TYPING_EVERY) return;
    this.#typed.clear(); // one person types in one place
    this.#typed.set(key, this.#env.now());
    this.#connection.send({ cmd: CMD.TYPING, scope, dstid });
  }

  /** Reads the list anew: a group was joined or left. */
  async refresh() {
    const before = new Map([...this.#conversations].map(([key, { head }]) => [key, head]));
    const rows = await this.rest.rows("/message/conversations");
    const present = new Set(rows.map((row) => keyOf(row.scope, row.dstid)));
    for (const [key, { scope, head }] of this.#conversations) {
      // One that is empty, or began or went on while the list was on its way, is newer than the list.
      if (scope === CMD.GROUP && !present.has(key) && head && before.get(key) === head) this.#conversations.delete(key);
    }
    rows.forEach((row) => this.#adopt(row));
    this.#listChanged();
  }

  async #prepare() {
    if (!this.#doubtful) {
      this.#doubtful = true;
      return;
    }
    try {
      const rows = await this.rest.rows("/message/conversations");
      if (!this.#begun) rows.forEach((row) => this.#adopt(row));
      this.#begun = true;
      this.#listChanged();
    } catch (error) {
      if (error.loggedOut) this.#loggedOut();
      throw error;
    }
  }

  #loggedOut() {
    this.stop();
    this.emit("unauthorized");
  }

  #catchUp() {
    this.#catching = true;
    const have = {};
    for (const [key, { high }] of this.#conversations) if (high) have[key] = high;
    this.#connection.send({ cmd: CMD.CATCH_UP, epoch: this.#epoch, have });
    this.#env.clearTimeout(this.#timer);
    this.#timer = this.#env.setTimeout(() => this.#connection.fail(), CATCH_UP_PATIENCE);
  }

  #frames = {
    [CMD.SINGLE]: (frame) => this.#take(frame),
    [CMD.GROUP]: (frame) => this.#take(frame),
    [CMD.ANSWER]: (frame) => this.#answered(frame),
    [CMD.CATCH_UP]: (frame) => this.#caughtUp(frame),
    [CMD.TYPING]: (frame) => this.emit("typing", frame),
    [CMD.READ]: (frame) => this.#readBy(frame),
    [CMD.PRESENCE]: (frame) => this.emit("presence", frame),
    [CMD.CHANGED]: (frame) => this.emit("changed", frame),
  };

  #caughtUp({ epoch, rows = [], reset }) {
    this.#epoch = epoch ?? "";
    this.#catching = false;
    if (reset) this.#forget();
    rows.forEach((row) => this.#adopt(row));
    this.#doubtful = false;
    this.#connection.ready();
    for (const conversation of this.#conversations.values()) this.#history.mend(conversation);
    this.#listChanged();
    this.#resend(true);
  }

  #forget() {
    this.#conversations.clear();
    this.emit("restarted");
  }

  #adopt(row) {
    const known = this.#conversations.has(keyOf(row.scope, row.dstid));
    const conversation = this.conversation(row.scope, row.dstid);
    const empty = !conversation.high; // a page may show a conversation before anything is known of it
    if (!known || empty || (row.more && conversation.high < row.seq)) {
      conversation.restart(row.seq);
      if (known) this.emit("restarted", conversation);
    }
    if (row.seq >= conversation.head) {
      conversation.head = row.seq;
      conversation.last = row.last ?? conversation.last;
    }
    conversation.peerread = Math.max(conversation.peerread, row.peerread ?? 0);
    if (conversation.read > (row.read ?? 0)) this.#tellRead(conversation); // told before, and lost on the way
    else conversation.read = row.read ?? 0;
  }

  #take(message) {
    if (!Number.isSafeInteger(message.seq)) return;
    if (message.cid && message.userid === this.#me) this.#settle(message.cid, message);
    const { scope, dstid } = conversationOf(message, this.#me);
    const conversation = this.conversation(scope, dstid);
    for (const next of conversation.receive(message)) {
      if (next.userid === this.#me) conversation.read = Math.max(conversation.read, next.seq);
      this.emit("message", conversation, next);
    }
    if (conversation.gap && !this.#catching) this.#history.mend(conversation);
    this.#listChanged();
  }

  #settle(cid, message) {
    if (this.#outbox.remove(cid)) this.emit("answered", cid, message);
  }

  #answered({ cid, code, msg, scope, dstid, seq, at }) {
    const entry = cid && this.#outbox.get(cid);
    if (!entry) return code ? this.emit("problem", msg) : undefined;
    if (code !== 0) return this.#outbox.refuse(cid, code, msg) && this.emit("refused", entry);
    const place = { cmd: scope ?? entry.message.cmd, dstid: dstid ?? entry.message.dstid };
    return this.#take({ ...entry.message, ...place, userid: this.#me, seq, at });
  }

  #readBy({ scope, dstid, seq, userid }) {
    const conversation = this.conversation(scope, dstid);
    const mine = userid === this.#me;
    if (mine) conversation.read = Math.max(conversation.read, seq);
    else if (scope === CMD.SINGLE) conversation.peerread = Math.max(conversation.peerread, seq);
    this.emit("read", conversation);
    this.#listChanged();
  }

  #tellRead({ scope, dstid, read }) {
    this.#connection.send({ cmd: CMD.READ, scope, dstid, seq: read });
  }

  #post(entry) {
    if (this.state === "online" && this.#connection.send(entry.message)) this.#outbox.sent(entry);
  }

  #resend(everything) {
    this.#outbox.due(everything).forEach((entry) => this.#post(entry));
    this.#env.clearTimeout(this.#timer);
    this.#timer = this.#env.setTimeout(() => this.#resend(false), LOOK_EVERY);
  }

  #stateChanged(state) {
    if (state !== "online") this.#env.clearTimeout(this.#timer);
    this.emit("state", state);
  }

  #listChanged() {
    if (this.#told) return;
    this.#told = true;
    queueMicrotask(() => {
      this.#told = false;
      this.emit("conversations");
    });
  }
}

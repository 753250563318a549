// The chat of one user: conversations kept whole and in order over losses of the connection.

import { CMD, conversationOf, keyOf } from "./codes.js";
import { Connection } from "./connection.js";
import { Conversation } from "./conversation.js";
import { Drafts } from "./drafts.js";
import { Emitter } from "./emitter.js";
import { UserStorage, browserEnvironment, checkPlatform } from "./environment.js";
import { History } from "./history.js";
import { LoginCheck } from "./login-check.js";
import { Outbox } from "./outbox.js";
import { Pacing } from "./pacing.js";
import { Recount } from "./recount.js";
import { Refused } from "./refused.js";
import { Rest } from "./rest.js";

/** @import { AnswerFrame, AnyFrame, CatchUpFrame, ChangedFrame, Entry, Environment, Message } from "./types.js" */
/** @import { Found, PresenceFrame, ReadFrame, Row, SearchOptions, State, TypingFrame, Words } from "./types.js" */

export const CATCH_UP_TIMEOUT = 20_000; // ms after which an open connection without the catch-up's answer is given up
export const RESEND_EVERY = 5_000; // ms between two searches for messages that should be sent again
export const CHECK_EVERY = 1_000; // ms between two questions whether the login is still this user's, on coming back
export const CHECK_WRITER_EVERY = 30_000; // and while somebody writes; an open socket stays this user's all the while
const RENEW_BEFORE = 3600_000; // ms before an address expires
export const TYPING_EVERY = 3_000; // ms between two typing frames of one conversation

/**
 * The arguments of each event.
 *
 * `conversations`: some row of the list changed. `message`: the next message, in order, once, the user's own included.
 * `renewed`: messages of a conversation have new addresses, see `renew`.
 * `restarted`: the messages of a conversation were forgotten, load them again; without one: of all. `waiting`: a
 * message of the user's waits to be answered, was taken up again or given up; `answered` and `refused` tell what became of
 * it. `paused`: the user has sent too much at once; what waits is sent again by itself after `wait` ms. `problem`: the server refused a frame that was no message. `unauthorized`: the login has ended; the client has
 * stopped, and can be started after another. `other-user`: another user is logged in with this browser; the client has
 * ended for good. It sends, tells and stores nothing more, and what it had stored stays stored.
 * @typedef {{
 *   state: [state: State], conversations: [], message: [conversation: Conversation, message: Message],
 *   restarted: [conversation?: Conversation], renewed: [conversation: Conversation], waiting: [entry: Entry], answered: [cid: string, message: Message],
 *   refused: [entry: Entry], paused: [wait: number], typing: [frame: TypingFrame], read: [conversation: Conversation],
 *   presence: [frame: PresenceFrame], changed: [frame: ChangedFrame], problem: [text: string],
 *   unauthorized: [], "other-user": [],
 * }} ClientEvents
 */

/**
 * `base`, `token` and `direct` are those of `Rest`; outside of a page `base` is needed. `WebSocket` is needed where there
 * is no global one, as in Node.js 20: that of the package `ws` will do.
 * @typedef {object} ClientOptions
 * @property {{ id: number }} user
 * @property {string} [base]
 * @property {string | null} [token]
 * @property {boolean} [direct]
 * @property {Environment["WebSocket"]} [WebSocket]
 * @property {Environment} [env]
 */

/** @extends {Emitter<ClientEvents>} */
export class Client extends Emitter {
  #env; #me; #connection; #outbox; #history; #recount; #login; #storage; #pacing;
  /** @type {Map<string, Conversation>} */
  #conversations = new Map();
  /** @type {Set<Conversation>} */
  #renewing = new Set();
  #epoch = ""; #running = false; #ended = false;
  #catchingUp = false; #hasList = false; #mustCheck = true; #changePending = false;
  /** @type {Set<string>} what `restore` was given, until the server has answered */
  #restored = new Set();
  /** @type {number | null} of the catch-up, later of what is to be sent again */
  #timer = null;
  /** @type {Map<string, number>} when typing was told last */
  #typingTold = new Map();

  /**
   * Throws an Error where there is no WebSocket, or no server to be asked.
   * @param {ClientOptions} options
   */
  constructor({ user, base = "", token = null, direct = false, WebSocket, env = browserEnvironment({ WebSocket }) }) {
    super();
    checkPlatform(env, base);
    this.#env = env;
    this.#me = user.id;
    this.#storage = new UserStorage(env.storage, `im:${user.id}:`);
    /** @param {Refused} error */
    const refused = (error) => (error.otherUser ? this.#end(error, "other-user") : this.#loggedOut());
    this.rest = new Rest({ base, token, direct, user: user.id, refused, fetch: env.fetch });
    this.#login = new LoginCheck({ env, rest: this.rest, user: user.id, byCookie: !token });
    const own = { now: () => env.now(), storage: this.#storage };
    this.drafts = new Drafts({ env: own, user: user.id });
    this.#outbox = new Outbox({ env: own, user: user.id });
    this.#pacing = new Pacing({ env, resume: () => this.#resend(false) });
    this.#history = new History({
      rest: this.rest, env, take: (message) => this.#take(message), stored: (message) => this.#settle(message),
      restarted: (which) => this.emit("restarted", which),
    });
    this.#recount = new Recount({
      env, rest: this.rest, conversations: this.#conversations,
      isOnline: () => this.state === "online", changed: () => this.#listChanged(),
    });
    const query = `?id=${user.id}${token ? `&token=${encodeURIComponent(token)}` : ""}`;
    const url = () => (base || globalThis.location.origin).replace(/^http/, "ws") + "/chat" + query;
    this.#connection = new Connection({ env, url, prepare: () => this.#prepare() });
    this.#connection.on("open", () => this.#catchUp());
    this.#connection.on("frame", (frame) => this.#received(frame));
    this.#connection.on("state", (state) => this.#stateChanged(state));
  }

  get state() { return this.#connection.state; }

  start() {
    if (this.#ended) return;
    this.#running = true;
    this.#login.start();
    this.#connection.start();
  }

  stop() {
    this.#running = false;
    this.#login.stop();
    this.#env.clearTimeout(this.#timer);
    this.#recount.stop();
    this.#pacing.stop();
    this.#connection.stop();
  }

  /**
   * Shows conversations as another page kept them, until the server is reached: then they begin anew (`restarted`), as
   * if nothing had been kept. To be called before `start`. Of each conversation `messages` ends at its row's `seq`.
   * @param {{ row: Row, messages: Message[] }[]} kept
   */
  restore(kept) {
    for (const { row, messages } of kept) {
      this.#adopt(row);
      if (messages.at(-1)?.seq === row.seq) this.conversation(row.scope, row.dstid).jump(messages, row.seq);
      this.#restored.add(keyOf(row.scope, row.dstid));
    }
    this.#listChanged();
  }

  /** What the server allows and is called. */
  settings() { return this.rest.settings(); }

  /**
   * Nothing is told any more once the client has ended.
   * @template {keyof ClientEvents} Name
   * @param {Name} name
   * @param {ClientEvents[Name]} rest
   */
  emit(name, ...rest) { if (!this.#ended) super.emit(name, ...rest); }

  /**
   * Asks at once whether the connection is alive, or tries at once to have one, and whether the login is still this
   * user's: for a page that comes back into view.
   */
  hurry() {
    this.#connection.hurry();
    this.#login.after(CHECK_EVERY);
  }

  /** What logging out would remove, from all pages: the messages as `waiting` has them, and the number of drafts. */
  unsent() { return { messages: this.#outbox.all(), drafts: this.drafts.size }; }

  /**
   * Logs this device out and removes what is unsent. The client has ended then. Throws a Refused when the server can't
   * be reached or can't do it now: then nothing has changed.
   */
  async logOut() {
    this.stop();
    try {
      await this.rest.call("/user/logout");
    } catch (error) {
      if (!(error instanceof Refused && error.loggedOut)) {
        this.start();
        throw error;
      }
    }
    this.#login.loggedOut();
    this.#remove();
  }

  /** The conversations that have a message and aren't hidden: the pinned ones, then the others, each newest first. */
  conversations() {
    const listed = [...this.#conversations.values()].filter(({ head, hidden }) => head > 0 && !hidden);
    return listed.sort((a, b) => Number(b.pinned) - Number(a.pinned) || (b.last?.at ?? 0) - (a.last?.at ?? 0));
  }

  /**
   * Mutes, pins or hides a conversation, for all devices of the user; what isn't given stays.
   * @param {Conversation} conversation
   * @param {{ mute?: number, pin?: number, hide?: number }} changed
   */
  async keep(conversation, changed) {
    const { scope, dstid } = conversation;
    conversation.keep(await this.rest.data("/message/setting", { scope, dstid, ...changed }));
    this.#listChanged();
  }

  /**
   * @param {number} scope
   * @param {number} dstid
   */
  conversation(scope, dstid) {
    const key = keyOf(scope, dstid);
    const known = this.#conversations.get(key);
    if (known) return known;
    const conversation = new Conversation(scope, dstid, 0, this.#me);
    this.#conversations.set(key, conversation);
    return conversation;
  }

  /**
   * Sends a message and returns its cid at once; the message itself comes as an event. Throws a RangeError when too
   * much waits or it is too large.
   * @param {number} scope
   * @param {number} dstid
   * @param {Words} message
   * @param {string} [cid] of a message that has one already: sent twice, it is stored once
   */
  send(scope, dstid, message, cid) {
    if (this.#ended) throw new Error("the client has ended");
    this.#login.after(CHECK_WRITER_EVERY);
    const entry = this.#outbox.add({ ...message, cmd: scope, dstid, cid });
    this.emit("waiting", entry);
    this.#post(entry);
    return entry.message.cid;
  }

  /**
   * The messages of a conversation that wait for their answer, oldest first.
   * @param {number} scope
   * @param {number} dstid
   */
  waiting(scope, dstid) {
    return this.#outbox.entries.filter(({ message }) => message.cmd === scope && message.dstid === dstid);
  }

  /** @param {string} cid */
  retry(cid) {
    const entry = this.#outbox.retry(cid);
    if (!entry) return;
    this.emit("waiting", entry);
    this.#post(entry);
  }

  /** @param {string} cid */
  discard(cid) {
    const entry = this.#outbox.remove(cid);
    if (entry) this.emit("waiting", entry);
  }

  /**
   * Loads the page before what is held; false when there is nothing older.
   * @param {Conversation} conversation
   */
  older(conversation) { return this.#history.older(conversation); }

  /**
   * Loads the message `seq`, and what is around it; false when it can't be reached.
   * @param {Conversation} conversation
   * @param {number} seq
   */
  reach(conversation, seq) { return this.#history.reach(conversation, seq); }

  /**
   * Loads the page after what is held of a conversation that stands apart.
   * @param {Conversation} conversation
   */
  newer(conversation) { return this.#history.newer(conversation); }

  /**
   * Gives up the part of the past that was gone to: what is newest is to be loaded again.
   * @param {Conversation} conversation
   */
  toNewest(conversation) {
    if (!conversation.apart) return;
    conversation.restart(conversation.head);
    this.emit("restarted", conversation);
  }

  /**
   * Asks anew for messages whose addresses expire soon, or for the one whose picture couldn't be loaded.
   * @param {Conversation} conversation
   * @param {number} [seq]
   */
  async renew(conversation, seq) {
    if (this.#renewing.has(conversation) && !seq) return;
    this.#renewing.add(conversation);
    try {
      const until = this.#env.now() + RENEW_BEFORE;
      const changes = seq ? this.#history.renewOne(conversation, seq) : this.#history.renew(conversation, until);
      if (await changes) this.emit("renewed", conversation);
    } catch {
      // It is tried again when the page next has a reason to.
    } finally {
      this.#renewing.delete(conversation);
    }
  }

  /**
   * Somebody reads this conversation further up than its end (`yes`), or no more: until then nothing held is removed.
   * @param {Conversation} conversation
   * @param {boolean} yes
   */
  reading(conversation, yes) {
    conversation.reading = yes;
    if (yes) return;
    if (conversation.apart) conversation.restart(conversation.head);
    conversation.trim();
    this.#history.fillGap(conversation);
  }

  /**
   * One message by its seq, held or fetched; null when there is none.
   * @param {Conversation} conversation
   * @param {number} seq
   */
  one(conversation, seq) { return this.#history.one(conversation, seq); }

  /**
   * The user has seen everything so far in this conversation.
   * @param {Conversation} conversation
   */
  read(conversation) {
    if (conversation.head <= conversation.read) return;
    conversation.readTo(conversation.head);
    this.#tellRead(conversation);
    this.#listChanged();
  }

  /**
   * @param {number} scope
   * @param {number} dstid
   */
  typing(scope, dstid) {
    const key = keyOf(scope, dstid);
    if (this.#env.now() - (this.#typingTold.get(key) ?? -Infinity) < TYPING_EVERY) return;
    this.#typingTold.clear(); // a user types in one conversation at a time
    this.#typingTold.set(key, this.#env.now());
    this.#connection.send({ cmd: CMD.TYPING, scope, dstid });
    this.#login.after(CHECK_WRITER_EVERY);
  }

  /**
   * The newest messages that have all of the words. `next` is `before` of the next page, 0 at the end: a page may have
   * few rows and not be the last.
   * @param {string} words 1 to 100 characters
   * @param {SearchOptions} [options]
   * @param {AbortSignal | null} [signal] gives it up
   * @returns {Promise<{ rows: Found[], next: number }>}
   */
  async search(words, options = {}, signal = null) {
    const { rows = [], next } = await this.rest.call("/message/search", { q: words, ...options }, "POST", undefined, signal);
    return { rows, next };
  }

  /**
   * The newest messages of one kind in a conversation. `next` is as of `search`, and so is that a page may have few rows.
   * @param {Pick<Conversation, "scope" | "dstid">} conversation
   * @param {number} media
   * @param {{ before?: number, limit?: number }} [options]
   * @returns {Promise<{ rows: Message[], next: number }>}
   */
  async files({ scope, dstid }, media, options = {}) {
    const { rows = [], next } = await this.rest.call("/message/files", { scope, dstid, media, ...options });
    return { rows, next };
  }

  /** Reads the list anew: a group was joined or left. */
  async refresh() {
    const before = new Map([...this.#conversations].map(([key, { head }]) => [key, head]));
    const rows = await this.rest.rows("/message/conversations");
    const present = new Set(rows.map((row) => keyOf(row.scope, row.dstid)));
    for (const [key, { scope, head }] of this.#conversations) {
      // One that is empty, or began or went on while the list was being loaded, is newer than the list.
      if (scope === CMD.GROUP && !present.has(key) && head && before.get(key) === head) this.#conversations.delete(key);
    }
    rows.forEach((row) => this.#adopt(row));
    this.#listChanged();
  }

  // The first attempt after a catch-up that succeeded needs no request before it.
  async #prepare() {
    if (!this.#mustCheck) {
      this.#mustCheck = true;
      return;
    }
    const rows = await this.rest.rows("/message/conversations");
    this.#login.confirmed();
    const reads = this.#dropRestored();
    if (!this.#hasList) rows.forEach((row) => this.#adopt(row));
    this.#hasList = true;
    // What was read meanwhile is told with the catch-up.
    for (const [key, read] of reads) this.#conversations.get(key)?.readTo(read);
    if (reads.size) this.emit("restarted");
    this.#listChanged();
  }

  /** How far the user had read in what was restored, by key: as far as the server knows it, it says itself. */
  #dropRestored() {
    const reads = new Map([...this.#restored].map((key) => [key, this.#conversations.get(key)?.read ?? 0]));
    for (const key of this.#restored) this.#conversations.delete(key);
    this.#restored.clear();
    return reads;
  }

  #loggedOut() {
    if (!this.#running) return;
    this.stop();
    this.emit("unauthorized");
    // Another page logged out, and asked the user before it removed what was unsent: this page may store nothing more.
    if (this.#login.hasLeft) this.#remove();
  }

  #remove() {
    this.#storage.clear();
    this.#end(new Refused("please log in", { status: 401 }));
  }

  /**
   * @param {Refused} why
   * @param {"other-user"} [event]
   */
  #end(why, event) {
    if (this.#ended) return;
    this.stop();
    this.#storage.close();
    this.rest.end(why);
    if (event) this.emit(event);
    this.#ended = true;
  }

  #catchUp() {
    this.#catchingUp = true;
    /** @type {Record<string, number>} */
    const have = {};
    for (const [key, { high, head, apart }] of this.#conversations) if (high) have[key] = apart ? head : high;
    this.#connection.send({ cmd: CMD.CATCH_UP, epoch: this.#epoch, have });
    this.#env.clearTimeout(this.#timer);
    this.#timer = this.#env.setTimeout(() => this.#connection.fail(), CATCH_UP_TIMEOUT);
  }

  /** @param {AnyFrame} frame */
  #received(frame) {
    switch (frame.cmd) {
      case CMD.SINGLE: case CMD.GROUP: return this.#take(frame);
      case CMD.ANSWER: return this.#answered(frame);
      case CMD.CATCH_UP: return this.#caughtUp(frame);
      case CMD.TYPING: return this.emit("typing", frame);
      case CMD.READ: return this.#readBy(frame);
      case CMD.PRESENCE: return this.emit("presence", frame);
      case CMD.CHANGED:
        if (frame.what === "setting") this.#kept(frame);
        if (frame.what === "erased" && frame.userid) this.#erased(frame.userid);
        return this.emit("changed", frame);
    }
  }

  /** @param {ChangedFrame} frame */
  #kept({ scope = 0, dstid = 0, ...settings }) {
    const known = this.#conversations.get(keyOf(scope, dstid));
    if (known) known.keep(settings);
    else if (!settings.hide) this.refresh().catch(() => null); // shown again: nothing of it is known here
    this.#listChanged();
  }

  /** @param {number} userid */
  #erased(userid) {
    this.#history.forgetQuotes();
    for (const conversation of this.#conversations.values()) {
      if (conversation.erase(userid)) this.emit("restarted", conversation);
    }
    this.#listChanged();
  }

  /** @param {CatchUpFrame} frame */
  #caughtUp({ epoch, rows = [], reset }) {
    this.#epoch = epoch ?? "";
    this.#catchingUp = false;
    if (reset) this.#forget();
    rows.forEach((row) => this.#adopt(row));
    this.#hideOthers(rows);
    this.#mustCheck = false;
    this.#connection.ready();
    for (const conversation of this.#conversations.values()) this.#history.fillGap(conversation);
    this.#listChanged();
    this.#resend(true);
  }

  /**
   * What the server doesn't list was hidden on another device, or left, meanwhile.
   * @param {Row[]} rows
   */
  #hideOthers(rows) {
    const listed = new Set(rows.map((row) => keyOf(row.scope, row.dstid)));
    for (const [key, conversation] of this.#conversations) {
      if (conversation.head && !listed.has(key)) {
        conversation.keep({ mute: Number(conversation.muted), pin: Number(conversation.pinned), hide: 1 });
      }
    }
  }

  #forget() {
    this.#conversations.clear();
    this.emit("restarted");
  }

  /** @param {Row} row */
  #adopt(row) {
    const known = this.#conversations.has(keyOf(row.scope, row.dstid));
    const conversation = this.conversation(row.scope, row.dstid);
    const empty = !conversation.high; // a page may show a conversation before anything is known of it
    const ahead = row.more && conversation.high < row.seq && !conversation.reading; // a reader's is fetched whole
    if (!known || empty || ahead) {
      conversation.restart(row.seq);
      if (known) this.emit("restarted", conversation);
    }
    if (row.seq >= conversation.head) {
      conversation.head = row.seq;
      conversation.last = row.last ?? conversation.last;
    }
    conversation.peerread = Math.max(conversation.peerread, row.peerread ?? 0);
    if (conversation.read > (row.read ?? 0)) this.#tellRead(conversation); // told before, and lost
    conversation.count(row);
    conversation.keep(row);
  }

  /** @param {Message} message */
  #take(message) {
    if (!Number.isSafeInteger(message.seq)) return;
    this.#settle(message);
    const { scope, dstid } = conversationOf(message, this.#me);
    // One that was hidden before this page was loaded: its row says what is read of it.
    const isBack = message.seq > 1 && !this.#catchingUp && !this.#conversations.has(keyOf(scope, dstid));
    if (isBack) this.refresh().catch(() => null);
    const conversation = this.conversation(scope, dstid);
    for (const next of conversation.receive(message)) this.emit("message", conversation, next);
    if (conversation.gap && !this.#catchingUp) this.#history.fillGap(conversation);
    this.#listChanged();
  }

  /**
   * The server has `message`: if it is one of the user's own, it waits no more, whether its answer came or not.
   * @param {Message} message
   */
  #settle(message) {
    const { cid, userid } = message;
    if (cid && userid === this.#me && this.#outbox.remove(cid)) this.emit("answered", cid, message);
  }

  /** @param {AnswerFrame} frame */
  #answered({ cid, code, msg, scope, dstid, seq = NaN, at = NaN, wait = 0 }) {
    const entry = cid && this.#outbox.get(cid);
    if (!entry) {
      if (code) this.emit("problem", msg ?? "");
    } else if (code !== 0) {
      if (this.#outbox.refuse(cid, code, msg)) this.emit("refused", entry);
      else if (wait) this.#pause(entry, wait);
    } else {
      const { message } = entry;
      this.#take({ ...message, cmd: scope ?? message.cmd, dstid: dstid ?? message.dstid, userid: this.#me, seq, at });
    }
  }

  /** @param {ReadFrame} frame */
  #readBy({ scope, dstid, seq, userid }) {
    const conversation = this.conversation(scope, dstid);
    const mine = userid === this.#me;
    if (mine) conversation.readTo(seq);
    else if (scope === CMD.SINGLE) conversation.peerread = Math.max(conversation.peerread, seq);
    this.emit("read", conversation);
    this.#listChanged();
  }

  /** @param {Conversation} conversation */
  #tellRead({ scope, dstid, read }) {
    this.#connection.send({ cmd: CMD.READ, scope, dstid, seq: read });
  }

  /**
   * @param {Entry} entry
   * @param {number} wait
   */
  #pause(entry, wait) {
    this.#outbox.unsent(entry);
    if (this.#pacing.pause(wait)) this.emit("paused", wait);
  }

  /** @param {Entry} entry */
  #post(entry) {
    if (this.#pacing.paused) return;
    if (this.state === "online" && this.#connection.send(entry.message)) this.#outbox.sent(entry);
  }

  /** @param {boolean} everything */
  #resend(everything) {
    this.#outbox.due(everything).forEach((entry) => this.#post(entry));
    this.#env.clearTimeout(this.#timer);
    this.#timer = this.#env.setTimeout(() => this.#resend(false), RESEND_EVERY);
  }

  /** @param {State} state */
  #stateChanged(state) {
    if (state !== "online") this.#env.clearTimeout(this.#timer);
    this.emit("state", state);
  }

  // Many frames that come at once are told as one change.
  #listChanged() {
    if (this.#changePending) return;
    this.#changePending = true;
    queueMicrotask(() => {
      this.#changePending = false;
      this.#recount.later();
      this.emit("conversations");
    });
  }
}

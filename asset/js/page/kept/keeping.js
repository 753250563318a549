// Keeps the last conversations of a user in this browser while they are connected, and has the service worker keep the
// page, so that both open without a network. Only what the server has said lately is kept, by pages that are connected.

import { keyOf } from "../../im/codes.js";
import { registered } from "../telling/device.js";
import { MESSAGES, merged, withoutUser } from "./merge.js";
import { begin, change, wipe } from "./store.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Conversation } from "../../im/conversation.js" */
/** @import { Message, Row } from "../../im/types.js" */
/** @import { People } from "../people.js" */
/** @import { KeptChat } from "./store.js" */

const CHATS = 50;
const SOON = 1_000; // ms in which changes gather
const FILL_AFTER = 5_000; // ms after the page is connected: first comes what somebody looks at
const FILL_EVERY = 250; // ms between two pages
const FILL_AGAIN = 86_400_000; // ms after which a page is read anew: something in it may have been deleted meanwhile

export class Keeping {
  #client; #people; #lock; #ended = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Map<string, string>} what was kept last, by key */
  #looks = new Map();
  #peopleLook = "";

  /**
   * `asked` says whether the server has just given this page to its user.
   * @param {{ client: Client, people: People, asked: boolean }} parts
   */
  constructor({ client, people, asked }) {
    this.#client = client;
    this.#people = people;
    this.#lock = `im:${people.me.id}:fill`;
    client.on("conversations", () => this.#soon());
    client.on("renewed", (conversation) => this.#again(keyOf(conversation.scope, conversation.dstid)));
    client.on("changed", ({ what, userid }) => { if (what === "erased" && userid) this.#erase(userid); });
    people.on("changed", () => this.#soon());
    client.on("state", (state) => { if (state === "online") this.#connected(); });
    if (asked) begin(people.me);
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && this.#keep());
  }

  /** Nothing is kept any more, and what was kept of this user is removed. */
  async end() {
    this.#ended = true;
    clearTimeout(this.#timer);
    await wipe(this.#people.me.id);
  }

  get #keeps() { return !this.#ended && this.#client.state === "online"; }

  async #connected() {
    await begin(this.#people.me);
    this.#looks.clear();
    this.#soon();
    await registered();
    const { active } = await navigator.serviceWorker.ready;
    active?.postMessage({ keep: true });
    setTimeout(() => this.#fill().catch(() => null), FILL_AFTER);
  }

  /** @param {string} key */
  #again(key) {
    this.#looks.delete(key);
    this.#soon();
  }

  #soon() {
    if (!this.#keeps) return;
    this.#timer ??= setTimeout(() => this.#keep(), SOON);
  }

  async #keep() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#keeps) return;
    const chats = new Map(this.#chats().map((one) => [keyOf(one.scope, one.dstid), one]));
    const some = [...chats].filter(([key, one]) => this.#isNew(key, one)).map(([key]) => key);
    await change(this.#people.me.id, { keys: [...chats.keys()], some, people: this.#newPeople(), changed: (key, before) => {
      const one = chats.get(key);
      return one && keptOf(one, before);
    } });
  }

  #chats() { return this.#client.conversations().slice(0, CHATS); }

  /**
   * @param {string} key
   * @param {Conversation} conversation
   */
  #isNew(key, conversation) {
    const { low, high, size } = conversation;
    const look = JSON.stringify([rowOf(conversation), low, high, size]);
    if (this.#looks.get(key) === look) return false;
    this.#looks.set(key, look);
    return true;
  }

  /** Who is who, if that is new. */
  #newPeople() {
    const known = this.#people.known();
    const look = JSON.stringify(known);
    if (look === this.#peopleLook) return null;
    this.#peopleLook = look;
    return known;
  }

  /** Reads the last page of the conversations that nobody has opened lately, one after the other, in one tab. */
  async #fill() {
    if (!navigator.locks) return;
    await navigator.locks.request(this.#lock, { ifAvailable: true }, async (lock) => {
      if (!lock) return;
      for (const conversation of this.#chats()) {
        if (!this.#keeps) return;
        if (await this.#needsPage(conversation)) await this.#readPage(conversation);
      }
    });
  }

  /** @param {Conversation} conversation */
  async #needsPage(conversation) {
    const key = keyOf(conversation.scope, conversation.dstid);
    let needs = false;
    await this.#change(key, (before) => {
      const kept = keptOf(conversation, before);
      needs = kept?.row.seq !== conversation.head || Math.abs(Date.now() - kept.filled) > FILL_AGAIN;
      return kept;
    });
    return needs;
  }

  /** @param {Conversation} conversation */
  async #readPage(conversation) {
    const { scope, dstid, head } = conversation;
    const { rows = [] } = await this.#client.rest.call("/message/history", { scope, dstid, before: head + 1, limit: MESSAGES });
    if (!this.#keeps) return;
    await this.#change(keyOf(scope, dstid), () => {
      const row = rowOf(conversation);
      return { row, messages: merged(rows, heldAfter(conversation, head), row.seq), filled: Date.now() };
    });
    await new Promise((done) => { setTimeout(done, FILL_EVERY); });
  }

  /**
   * @param {string} key
   * @param {(before: KeptChat | undefined) => KeptChat | undefined} changed
   */
  async #change(key, changed) {
    const keys = this.#chats().map(({ scope, dstid }) => keyOf(scope, dstid));
    await change(this.#people.me.id, { keys, some: [key], people: null, changed: (_, before) => changed(before) });
  }

  /** @param {number} userid */
  async #erase(userid) {
    const keys = this.#chats().map(({ scope, dstid }) => keyOf(scope, dstid));
    await change(this.#people.me.id, { keys, some: keys, people: null, changed: (_, before) => before && {
      ...before, messages: withoutUser(before.messages, userid),
      row: { ...before.row, ...(before.row.last && { last: withoutUser([before.row.last], userid)[0] }) } } });
  }
}

/**
 * @param {Conversation} conversation
 * @returns {Row}
 */
const rowOf = ({ scope, dstid, head, read, peerread, unread, mentions, muted, pinned, last }) => ({
  scope, dstid, seq: head, read, peerread, unread, mentions, mute: Number(muted), pin: Number(pinned), ...(last && { last }) });

/**
 * A conversation as it is kept from now on. While somebody reads a part of the past, or messages are missing, it stays as
 * it was. Where it doesn't go on from what was kept, its last page is to be read.
 * @param {Conversation} conversation
 * @param {KeptChat | undefined} before
 */
function keptOf(conversation, before) {
  if (conversation.apart || conversation.gap) return before;
  const row = rowOf(conversation);
  const messages = merged(before?.messages ?? [], [...conversation.messages()], row.seq);
  const last = before?.messages.at(-1)?.seq ?? 0;
  const goesOn = before?.row.seq === row.seq || messages.some(({ seq }) => seq === last);
  return { row, messages, filled: goesOn && before ? before.filled : 0 };
}

/**
 * @param {Conversation} conversation
 * @param {number} seq
 * @returns {Message[]}
 */
const heldAfter = (conversation, seq) => [...conversation.messages()].filter((message) => message.seq > seq);

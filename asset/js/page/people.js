// Who is who: friends, groups, and everyone whose message was seen.

import { expiryOf } from "../im/addresses.js";
import { Emitter } from "../im/emitter.js";
import { readable } from "./strangers.js";

/** @import { Rest } from "../im/index.js" */
/** @import { ChangedFrame, FriendRequest, Group, User } from "../im/types.js" */
/** @import { KnownPeople } from "./kept/store.js" */
/** @import { GroupFacts, Person } from "./types.js" */

const USERS_BOUND = 2000; // users kept in memory; the longest unseen go first
const KEPT = 500; // users who are told to a page that is opened without a network
const RENEW_BEFORE = 3600_000; // ms before an address expires
const RENEWED = 50; // users who are read anew at once, beside the friends
const ASK_AGAIN = 30_000; // ms until a user who couldn't be read is asked for again

/**
 * Event "changed" when a name, a picture, the presence or one of the lists is new.
 * @extends {Emitter<{ changed: [] }>}
 */
export class People extends Emitter {
  #rest;
  /** @type {Map<number, User & { ownName: string }>} */
  #users = new Map();
  /** @type {Set<number>} */
  #asked = new Set();
  /** @type {Map<number, Promise<User[]>>} */
  #members = new Map();

  /**
   * @param {Rest} rest
   * @param {User} me
   */
  constructor(rest, me) {
    super();
    this.#rest = rest;
    this.me = me;
    /** @type {number[]} */
    this.friends = [];
    /** @type {Group[]} */
    this.groups = [];
    /** @type {FriendRequest[]} */
    this.requests = [];
    this.#keep(me);
  }

  async load() {
    await Promise.all([this.loadFriends(), this.loadGroups(), this.loadRequests()]);
  }

  async loadFriends() {
    const rows = await this.#rest.rows("/contact/loadfriend");
    rows.forEach((user) => this.#keep(user));
    this.friends = rows.map((user) => user.id);
    this.emit("changed");
  }

  async loadGroups() {
    const rows = await this.#rest.rows("/contact/loadcommunity");
    this.groups = rows.map((group) => ({ ...group, name: readable(group.name, group.id) }));
    this.#members.clear();
    this.emit("changed");
  }

  async loadRequests() {
    const rows = await this.#rest.rows("/contact/loadrequest").catch(() => []);
    this.requests = rows.filter(({ user }) => user).map((request) => ({ ...request, user: this.#keep(request.user) }));
    this.emit("changed");
  }

  /**
   * The members of a group, as users; asked of the server once, until `loadGroups`.
   * @param {number} groupId
   */
  members(groupId) {
    const asked = this.#members.get(groupId) ?? this.#loadMembers(groupId);
    this.#members.set(groupId, asked);
    return asked;
  }

  /** @param {number} groupId */
  async #loadMembers(groupId) {
    try {
      const rows = await this.#rest.rows("/contact/loadmember", { dstid: groupId });
      return rows.map((user) => this.#keep(user));
    } catch {
      this.#members.delete(groupId);
      return [];
    }
  }

  /** @param {number} groupId */
  forgetMembers(groupId) { this.#members.delete(groupId); }

  /**
   * Who is known now, for a page that is opened without a network.
   * @returns {KnownPeople}
   */
  known() {
    const users = [...this.#users.values()].slice(-KEPT).map((user) => ({ ...user, online: 0 }));
    return { users, friends: this.friends, groups: this.groups };
  }

  /**
   * Takes what such a page has kept, until it is loaded.
   * @param {KnownPeople} known
   */
  restore({ users, friends, groups }) {
    for (const user of users) if (user.id !== this.me.id) this.#keep(user);
    this.friends = friends;
    this.groups = groups;
  }

  /** @param {number} id */
  isFriend(id) { return this.friends.includes(id); }

  /**
   * @param {number} id
   * @returns {GroupFacts}
   */
  group(id) { return this.groups.find((group) => group.id === id) ?? { id, name: `#${id}`, icon: "" }; }

  /**
   * What is known of a user now; the rest is asked for, and "changed" tells when it has come.
   * @param {number} id
   * @returns {Person}
   */
  user(id) {
    const known = this.#users.get(id);
    if (known) return known;
    this.#find(id);
    return { id, nickname: `#${id}`, avatar: "" };
  }

  /** @param {number} id */
  name(id) { return this.user(id).nickname; }

  /**
   * Keeps what the server has said of a user who was looked up.
   * @param {User} user
   */
  learn(user) {
    this.#keep(user);
    this.emit("changed");
  }

  /**
   * Calls `call` whenever something is new, until the function that is returned is called.
   * @param {() => void} call
   */
  changes = (call) => this.on("changed", call);

  /**
   * A user came (`online` 1) or left (0).
   * @param {number} id
   * @param {number} online
   */
  presence(id, online) {
    const known = this.#users.get(id);
    if (known) this.#keep({ ...known, online });
    this.emit("changed");
  }

  /**
   * The server tells that something has changed: reads it anew. What fails is read again with the next change.
   * @param {ChangedFrame} frame
   */
  async changed({ what, userid, dstid }) {
    if (what === "profile") this.#forget(userid ?? dstid ?? this.me.id);
    const loads = [];
    if (what?.startsWith("friend")) loads.push(this.loadFriends(), this.loadRequests());
    if (what === "group") loads.push(this.loadGroups());
    await Promise.all(loads).catch(() => null);
  }

  /**
   * Reads anew whose picture has an address that expires soon. What fails is read again the next time.
   * @param {number} [now]
   */
  async renew(now = Date.now()) {
    /** @param {string} picture */
    const isOld = (picture) => expiryOf(picture) < now + RENEW_BEFORE;
    const old = [...this.#users.values()].filter(({ avatar }) => isOld(avatar));
    if (!old.length && !this.groups.some(({ icon }) => isOld(icon))) return;
    if (isOld(this.me.avatar)) this.#rest.data("/user/find", { id: this.me.id }).then((me) => this.changeMe(me), () => null);
    await this.load().catch(() => null);
    const strangers = old.filter(({ id }) => id !== this.me.id && isOld(this.#users.get(id)?.avatar ?? ""));
    strangers.slice(-RENEWED).forEach(({ id }) => this.#forget(id));
  }

  /**
   * Myself, changed.
   * @param {User} user
   */
  changeMe(user) {
    Object.assign(this.me, user);
    this.#keep(this.me);
    this.emit("changed");
  }

  /**
   * Reads a user anew.
   * @param {number} id
   */
  #forget(id) {
    this.#asked.delete(id);
    this.#find(id);
  }

  /** @param {number} id */
  async #find(id) {
    if (!(Number.isSafeInteger(id) && id > 0) || this.#asked.has(id)) return; // messages name ids that nobody can have
    this.#asked.add(id);
    try {
      this.#keep(await this.#rest.data("/user/find", { id }));
      this.emit("changed");
    } catch {
      setTimeout(() => this.#asked.delete(id), ASK_AGAIN);
    }
  }

  /**
   * Keeps a user as it is shown, and gives it back.
   * @param {User & { ownName?: string }} user
   */
  #keep(user) {
    const remark = user.remark ?? this.#users.get(user.id)?.remark; // only the list of friends tells it
    const { ownName = readable(user.nickname, user.id) } = user;
    const kept = { ...user, remark, ownName, nickname: readable(remark || user.nickname, user.id) };
    this.#users.delete(user.id);
    this.#users.set(user.id, kept);
    if (this.#users.size > USERS_BOUND) {
      const [longestUnseen] = this.#users.keys();
      this.#users.delete(longestUnseen);
    }
    return kept;
  }
}

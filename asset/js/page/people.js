// Who is who: friends, groups, and everyone whose message was seen.

import { Emitter } from "../im/emitter.js";

const USERS_BOUND = 2000; // users kept in memory; the longest unseen go first

/** Event "changed" when a name, a picture, the presence or one of the lists is new. */
export class People extends Emitter {
  #rest; #users = new Map(); #asked = new Set(); #members = new Map();

  constructor(rest, me) {
    super();
    this.#rest = rest;
    this.me = me;
    this.friends = [];
    this.groups = [];
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
    this.groups = await this.#rest.rows("/contact/loadcommunity");
    this.#members.clear();
    this.emit("changed");
  }

  async loadRequests() {
    this.requests = await this.#rest.rows("/contact/loadrequest").catch(() => []);
    this.requests.forEach(({ user }) => user && this.#keep(user));
    this.emit("changed");
  }

  /** The members of a group, as users; asked of the server once, until `loadGroups`. */
  members(groupId) {
    const asked = this.#members.get(groupId) ?? this.#loadMembers(groupId);
    this.#members.set(groupId, asked);
    return asked;
  }

  async #loadMembers(groupId) {
    try {
      const rows = await this.#rest.rows("/contact/loadmember", { dstid: groupId });
      rows.forEach((user) => this.#keep(user));
      return rows;
    } catch {
      this.#members.delete(groupId);
      return [];
    }
  }

  forgetMembers(groupId) { this.#members.delete(groupId); }

  isFriend(id) { return this.friends.includes(id); }

  group(id) { return this.groups.find((group) => group.id === id) ?? { id, name: `#${id}`, icon: "", unknown: true }; }

  /** What is known of a user now; the rest is asked for, and "changed" tells when it has come. */
  user(id) {
    const known = this.#users.get(id);
    if (known) return known;
    this.#find(id);
    return { id, nickname: `#${id}`, avatar: "", unknown: true };
  }

  name(id) { return this.user(id).nickname; }

  presence(id, online) {
    const known = this.#users.get(id);
    if (known) this.#keep({ ...known, online });
    this.emit("changed");
  }

  /** Myself, changed. */
  changeMe(user) {
    Object.assign(this.me, user);
    this.#keep(this.me);
    this.emit("changed");
  }

  /** Reads a user anew. */
  forget(id) {
    this.#asked.delete(id);
    this.#find(id);
  }

  async #find(id) {
    if (this.#asked.has(id)) return;
    this.#asked.add(id);
    try {
      this.#keep(await this.#rest.data("/user/find", { id }));
      this.emit("changed");
    } catch {
      setTimeout(() => this.#asked.delete(id), 30_000);
    }
  }

  #keep(user) {
    this.#users.delete(user.id);
    this.#users.set(user.id, user);
    if (this.#users.size > USERS_BOUND) this.#users.delete(this.#users.keys().next().value);
  }
}

// A world for the client module: a clock that is advanced, sockets that are scripted, a server that keeps a log.

import { Client } from "/asset/js/im/client.js";
import { MemoryStorage } from "/asset/js/im/environment.js";

class Clock {
  time = 1_000_000; #calls = new Map(); #next = 1;
  setTimeout = (call, ms) => { this.#calls.set(this.#next, { call, at: this.time + ms }); return this.#next++; };
  clearTimeout = (id) => this.#calls.delete(id);
  /** How long until the next call, in ms. */
  get wait() { return Math.min(...[...this.#calls.values()].map(({ at }) => at)) - this.time; }
  async advance(ms) {
    const end = this.time + ms;
    for (;;) {
      const [id, due] = [...this.#calls].sort((a, b) => a[1].at - b[1].at)[0] ?? [];
      if (!due || due.at > end) break;
      this.#calls.delete(id);
      this.time = Math.max(this.time, due.at);
      due.call();
      await settled();
    }
    this.time = end;
    await settled();
  }
}

/** Lets everything run that is ready to run. */
export async function settled() {
  for (let round = 0; round < 4; round++) await new Promise((done) => setTimeout(done));
}

export class World {
  clock = new Clock(); sockets = []; storage = new MemoryStorage(); events = new EventTarget(); asked = [];
  conversations = []; log = new Map(); loggedOut = false; loggedIn = 0; named = []; broken = false; chance = 0;

  get env() {
    const world = this;
    return {
      now: () => this.clock.time, setTimeout: this.clock.setTimeout, clearTimeout: this.clock.clearTimeout,
      random: () => this.chance, storage: this.storage, events: this.events, fetch: (...args) => this.#fetch(...args),
      WebSocket: class {
        readyState = 0; sent = [];
        constructor(url) { this.url = url; world.sockets.push(this); }
        send(text) { this.sent.push(JSON.parse(text)); }
        close() { this.readyState = 3; }
        open() { this.readyState = 1; this.onopen({}); }
        say(frame) { this.onmessage({ data: typeof frame === "string" ? frame : JSON.stringify(frame) }); }
        lose() { this.readyState = 3; this.onclose({ code: 1006 }); }
        of(cmd) { return this.sent.filter((frame) => frame.cmd === cmd); }
      },
    };
  }

  get socket() { return this.sockets.at(-1); }

  /** What another page of this browser writes down of who is logged in. */
  heard(newValue) { this.events.dispatchEvent(Object.assign(new Event("storage"), { key: "im:who", newValue })); }

  /** Everything in the storage. */
  kept() {
    const names = [...Array(this.storage.length).keys()].map((at) => this.storage.key(at));
    return Object.fromEntries(names.map((name) => [name, this.storage.getItem(name)]));
  }

  client(id = 1, more = {}) {
    const client = new Client({ user: { id }, base: "http://test", env: this.env, ...more });
    client.seen = [];
    client.states = [];
    client.on("message", ({ scope, dstid }, { seq }) => client.seen.push(`${scope}:${dstid}/${seq}`));
    client.on("state", (state) => client.states.push(state));
    return client;
  }

  /** A client that is connected and caught up. */
  async online(id = 1, rows = []) {
    const client = this.client(id);
    client.start();
    await this.connected(rows);
    return client;
  }

  async connected(rows = [], more = {}) {
    await settled();
    this.socket.open();
    this.socket.say({ cmd: 4, epoch: "e1", rows, ...more });
    await settled();
  }

  async #fetch(url, { body, headers }) {
    const path = new URL(url).pathname;
    const fields = Object.fromEntries(body);
    this.asked.push({ path, ...fields });
    this.named.push(headers["Twim-User"]);
    if (this.broken) throw new TypeError("no network");
    if (this.loggedOut) return answer(401, { code: -2, msg: "please log in" });
    if (this.loggedIn && headers["Twim-User"] !== String(this.loggedIn)) {
      return answer(403, { code: -8, msg: "somebody else is logged in" });
    }
    if (path === "/message/conversations") return answer(200, { code: 0, msg: "", rows: this.conversations });
    const log = this.log.get(`${fields.scope}:${fields.dstid}`) ?? [];
    const limit = Number(fields.limit);
    if (path === "/message/around") fields.after = Math.max(0, fields.seq - 1 - (limit >> 1));
    const page = fields.after !== undefined ? log.filter(({ seq }) => seq > fields.after).slice(0, limit)
      : log.filter(({ seq }) => seq < fields.before).slice(-limit);
    return answer(200, { code: 0, msg: "", rows: structuredClone(page), total: log.at(-1)?.seq ?? 0 });
  }
}

const answer = (status, envelope) => new Response(JSON.stringify(envelope), { status });

/** A text of user 2 in the single chat with user 1. */
export const text = (seq, more = {}) =>
  ({ cmd: 10, userid: 2, dstid: 1, media: 1, content: `text ${seq}`, seq, at: seq, ...more });

export const texts = (from, to) => Array.from({ length: to - from + 1 }, (_, at) => text(from + at));

/** Numbers from 0 to 1 that are the same each time. */
export function dice(seed) {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** What the server shows of a log: each event done to the message it means, as docs/protocol.md says. */
export function folded(events) {
  const shown = structuredClone(events);
  const at = (seq) => shown.find((message) => message.seq === seq);
  for (const event of events) {
    const target = at(event.ref);
    if (event.media < 20 || !target) continue;
    if (event.media === 20) {
      const edits = shown.filter(({ media, ref }) => media === 21 && ref === event.ref);
      for (const said of [target, ...edits]) {
        for (const name of ["content", "mentions", "reactions", "edited"]) delete said[name];
      }
      target.recalled = 1;
    } else if (event.media === 21) {
      const { content, mentions = target.mentions, at: edited } = event;
      Object.assign(target, { content, mentions, edited });
    } else react(target, event);
  }
  return shown;
}

function react(target, { userid, content }) {
  const reactions = target.reactions ?? {};
  for (const emoji of Object.keys(reactions)) {
    reactions[emoji] = reactions[emoji].filter((id) => id !== userid);
    if (!reactions[emoji].length) delete reactions[emoji];
  }
  if (content) (reactions[content] ??= []).push(userid);
  target.reactions = reactions;
}

// One WebSocket kept alive: opened again after every loss, watched by heartbeats.

import { CMD } from "./codes.js";
import { Emitter } from "./emitter.js";

export const FIRST_WAIT = 500; // ms; doubled at each failure
export const LONGEST_WAIT = 30_000;
export const OPEN_PATIENCE = 12_000; // a socket that is neither open nor closed by then is given up
export const HEARTBEAT_EVERY = 25_000; // below the minute after which proxies forget a silent connection
export const ANSWER_PATIENCE = 10_000; // silence after a heartbeat that counts as a dead connection

/**
 * Events: "state" (online | connecting | offline), "open" (the socket takes frames now), "frame" (a parsed object).
 * `prepare` is awaited before each attempt; it throws to make the attempt fail. The owner calls `ready()` when it holds
 * the connection for good: only then is the state "online" and the next wait short again.
 */
export class Connection extends Emitter {
  #env; #url; #prepare; #socket = null; #state = "offline"; #failures = 0;
  #retry = null; #beat = null; #dead = null; #stopped = true; #attempt = 0;

  constructor({ env, url, prepare = async () => {} }) {
    super();
    this.#env = env;
    this.#url = url;
    this.#prepare = prepare;
  }

  get state() { return this.#state; }

  start() {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#env.events?.addEventListener?.("online", this.hurry);
    this.#env.events?.addEventListener?.("offline", this.#cut);
    this.#open();
  }

  stop() {
    this.#stopped = true;
    this.#env.events?.removeEventListener?.("online", this.hurry);
    this.#env.events?.removeEventListener?.("offline", this.#cut);
    this.#drop();
    this.#env.clearTimeout(this.#retry);
    this.#become("offline");
  }

  /** Ends a wait between two attempts; on a connection that seems to live, asks whether it does. */
  hurry = () => {
    if (this.#stopped) return;
    if (this.#state === "online") this.#heartbeat();
    else if (this.#state === "offline") this.#open();
  };

  // The network went: the socket would notice only at the next heartbeat.
  #cut = () => { if (!this.#stopped && this.#socket) this.fail(); };

  ready() {
    this.#failures = 0;
    this.#become("online");
  }

  /** False when there is no open socket. */
  send(frame) {
    if (this.#socket?.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Gives this socket up and goes on as after any loss. */
  fail() {
    this.#drop();
    this.#lost();
  }

  async #open() {
    this.#env.clearTimeout(this.#retry);
    const attempt = ++this.#attempt;
    this.#become("connecting");
    try {
      await this.#prepare();
    } catch {
      if (attempt === this.#attempt) this.#lost();
      return;
    }
    if (attempt === this.#attempt && !this.#stopped) this.#connect();
  }

  #connect() {
    const socket = new this.#env.WebSocket(this.#url());
    this.#socket = socket;
    const mine = (call) => (event) => this.#socket === socket && call(event);
    socket.onopen = mine(() => { this.#alive(); this.emit("open"); });
    socket.onmessage = mine((event) => this.#received(event.data));
    socket.onclose = mine(() => this.fail());
    this.#expect(OPEN_PATIENCE);
  }

  #received(text) {
    this.#alive();
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if (frame && typeof frame === "object" && frame.cmd !== CMD.HEARTBEAT) this.emit("frame", frame);
  }

  #alive() {
    this.#env.clearTimeout(this.#dead);
    this.#env.clearTimeout(this.#beat);
    this.#beat = this.#env.setTimeout(() => this.#heartbeat(), HEARTBEAT_EVERY);
  }

  #heartbeat() {
    if (this.send({ cmd: CMD.HEARTBEAT })) this.#expect(ANSWER_PATIENCE);
  }

  #expect(patience) {
    this.#env.clearTimeout(this.#dead);
    this.#dead = this.#env.setTimeout(() => this.fail(), patience);
  }

  #drop() {
    this.#attempt += 1;
    this.#env.clearTimeout(this.#beat);
    this.#env.clearTimeout(this.#dead);
    const socket = this.#socket;
    this.#socket = null; // first: what this socket still says is nobody's
    if (socket && socket.readyState <= 1) socket.close();
  }

  #lost() {
    if (this.#stopped) return;
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(this.#failures++, 10));
    const wait = longest / 2 + (this.#env.random() * longest) / 2; // so that a restarted server isn't stormed
    this.#env.clearTimeout(this.#retry);
    this.#retry = this.#env.setTimeout(() => this.#open(), wait);
    this.#become("offline");
  }

  #become(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.emit("state", state);
  }
}

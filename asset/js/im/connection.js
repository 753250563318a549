// One WebSocket kept open: opened again after every loss, checked by heartbeats.

import { CMD } from "./codes.js";
import { Emitter } from "./emitter.js";

/** @import { AnyFrame, Environment, Socket, State } from "./types.js" */

export const FIRST_WAIT = 500; // ms before the second attempt; doubled at each failure
export const LONGEST_WAIT = 30_000;
export const OPEN_TIMEOUT = 12_000; // ms after which a socket that is neither open nor closed is given up
export const HEARTBEAT_EVERY = 25_000; // ms; below the minute after which proxies close a silent connection
export const ANSWER_TIMEOUT = 10_000; // ms of silence after a heartbeat that count as a dead connection

const OPEN = 1; // the `readyState` of a socket that takes frames; lower is one that is being opened

/**
 * `url` is called for each attempt. `prepare` is awaited before it, and throws to make it fail.
 * @typedef {object} ConnectionOptions
 * @property {Environment} env
 * @property {() => string} url
 * @property {() => Promise<void>} [prepare]
 */

/**
 * Events: "state", "open" (the socket takes frames now), "frame" (an object that the server sent). The owner calls
 * `ready()` once it has caught up on the open socket: only then is the state "online" and the next wait short again.
 * @extends {Emitter<{ state: [state: State], open: [], frame: [frame: AnyFrame] }>}
 */
export class Connection extends Emitter {
  #env; #url; #prepare; #failures = 0; #stopped = true; #attempt = 0;
  /** @type {Socket | null} */
  #socket = null;
  /** @type {State} */
  #state = "offline";
  /** @type {number | null} */
  #retryTimer = null;
  /** @type {number | null} */
  #heartbeatTimer = null;
  /** @type {number | null} */
  #deadline = null;

  /** @param {ConnectionOptions} options */
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
    this.#env.events?.addEventListener?.("offline", this.#networkLost);
    this.#open();
  }

  stop() {
    this.#stopped = true;
    this.#env.events?.removeEventListener?.("online", this.hurry);
    this.#env.events?.removeEventListener?.("offline", this.#networkLost);
    this.#drop();
    this.#env.clearTimeout(this.#retryTimer);
    this.#become("offline");
  }

  /** Ends a wait between two attempts; on a connection that seems to be alive, sends a heartbeat at once. */
  hurry = () => {
    if (this.#stopped) return;
    if (this.#state === "online") this.#heartbeat();
    else if (this.#state === "offline") this.#open();
  };

  // The socket itself would notice only at the next heartbeat.
  #networkLost = () => { if (!this.#stopped && this.#socket) this.fail(); };

  ready() {
    this.#failures = 0;
    this.#become("online");
  }

  /**
   * Sends a frame; false when there is no open socket.
   * @param {object} frame
   */
  send(frame) {
    if (this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Gives this socket up and continues as after any loss. */
  fail() {
    this.#drop();
    this.#retryLater();
  }

  async #open() {
    this.#env.clearTimeout(this.#retryTimer);
    const attempt = ++this.#attempt;
    this.#become("connecting");
    try {
      await this.#prepare();
    } catch {
      if (attempt === this.#attempt) this.#retryLater();
      return;
    }
    if (attempt === this.#attempt && !this.#stopped) this.#connect();
  }

  #connect() {
    const socket = new this.#env.WebSocket(this.#url());
    this.#socket = socket;
    // An event of a socket that was given up is ignored.
    const isCurrent = () => this.#socket === socket;
    socket.onopen = () => {
      if (!isCurrent()) return;
      this.#isAlive();
      this.emit("open");
    };
    socket.onmessage = (event) => { if (isCurrent()) this.#received(event.data); };
    socket.onclose = () => { if (isCurrent()) this.fail(); };
    this.#failAfter(OPEN_TIMEOUT);
  }

  /** @param {string} text */
  #received(text) {
    this.#isAlive();
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if (frame && typeof frame === "object" && frame.cmd !== CMD.HEARTBEAT) this.emit("frame", frame);
  }

  /** Something came from the server: the next heartbeat isn't due for a while. */
  #isAlive() {
    this.#env.clearTimeout(this.#deadline);
    this.#env.clearTimeout(this.#heartbeatTimer);
    this.#heartbeatTimer = this.#env.setTimeout(() => this.#heartbeat(), HEARTBEAT_EVERY);
  }

  #heartbeat() {
    if (this.send({ cmd: CMD.HEARTBEAT })) this.#failAfter(ANSWER_TIMEOUT);
  }

  /** @param {number} ms */
  #failAfter(ms) {
    this.#env.clearTimeout(this.#deadline);
    this.#deadline = this.#env.setTimeout(() => this.fail(), ms);
  }

  #drop() {
    this.#attempt += 1;
    this.#env.clearTimeout(this.#heartbeatTimer);
    this.#env.clearTimeout(this.#deadline);
    const socket = this.#socket;
    this.#socket = null; // before it is closed, so that its events are ignored
    if (socket && socket.readyState <= OPEN) socket.close();
  }

  #retryLater() {
    if (this.#stopped) return;
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(this.#failures++, 10));
    const wait = longest / 2 + (this.#env.random() * longest) / 2; // not all clients at once after a server's restart
    this.#env.clearTimeout(this.#retryTimer);
    this.#retryTimer = this.#env.setTimeout(() => this.#open(), wait);
    this.#become("offline");
  }

  /** @param {State} state */
  #become(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.emit("state", state);
  }
}

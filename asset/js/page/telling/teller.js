// Tells of messages while the page is open but not looked at: by a notification, a sound, and a count on the icon. Who
// has no page open is told by the server's pushes, which the service worker shows in the same way.

import { CMD, MEDIA, isEvent } from "../../im/index.js";
import { preview } from "../preview.js";
import { t } from "../words.js";
import { showBadge } from "./badge.js";
import { endOthers, isAllowed, registered, subscribe } from "./device.js";
import { play } from "./sound.js";
import { Speaker } from "./speaker.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Conversation } from "../../im/conversation.js" */
/** @import { Message } from "../../im/types.js" */
/** @import { People } from "../people.js" */
/** @import { Choices } from "./choices.js" */

const OLD = 60_000; // ms; what is older when it comes was missed, and stands in the list
const SOUND_EVERY = 2_000; // ms

export class Teller {
  #client; #people; #choices; #speaker; #sounded = -Infinity;

  /** @param {{ client: Client, people: People, choices: Choices }} parts */
  constructor({ client, people, choices }) {
    this.#client = client;
    this.#people = people;
    this.#choices = choices;
    this.#speaker = new Speaker(client, people.me.id);
    client.on("message", (conversation, message) => this.#heard(conversation, message));
    client.on("conversations", () => showBadge(unheard(client)));
    const off = client.on("state", (state) => {
      if (state !== "online") return;
      off();
      this.#prepare();
    });
    navigator.serviceWorker?.addEventListener("message", ({ data }) => {
      if (typeof data?.open === "string") location.hash = data.open;
    });
    this.#showThatItIsSeen();
  }

  /** Once the chat is there: the service worker may be new, the browser's subscription may have changed, or the server forgotten it. */
  async #prepare() {
    await registered();
    try {
      await (this.#choices.tells ? isAllowed() && subscribe(this.#client.rest) : endOthers());
    } catch {
      // It is tried again when the page is opened next.
    }
  }

  /**
   * @param {Conversation} conversation
   * @param {Message} message
   */
  async #heard(conversation, message) {
    const own = message.userid === this.#people.me.id;
    if (own || conversation.muted || isEvent(message) || message.media === MEDIA.NOTICE || message.recalled) return;
    if (!this.#speaker.speaks || isLookedAt() || message.at < Date.now() - OLD || message.seq <= conversation.read) return;
    const { quiet, words } = await this.#choices.now();
    if (quiet || (await isSeenElsewhere(this.#people.me.id))) return;
    if (this.#choices.sounds) this.#sound();
    if (this.#choices.tells && isAllowed()) await this.#notify(conversation, message, words);
  }

  #sound() {
    if (performance.now() < this.#sounded + SOUND_EVERY) return;
    this.#sounded = performance.now();
    play().catch(() => null);
  }

  /**
   * @param {Conversation} conversation
   * @param {Message} message
   * @param {boolean} words whether they may be shown
   */
  async #notify({ scope, dstid }, message, words) {
    const name = this.#people.name(message.userid);
    const group = scope === CMD.GROUP ? this.#people.group(dstid).name : "";
    const line = words ? preview(message, this.#people) : t("push.new");
    const registration = await registered();
    const data = { scope, dstid, seq: message.seq, at: message.at, userid: message.userid, name };
    // `renotify` and `timestamp` are what browsers know, but tsc doesn't.
    const more = { renotify: true, timestamp: message.at };
    await registration?.showNotification(group || name, {
      body: group ? `${name}: ${line}` : line, tag: `${scope}:${dstid}`, silent: true, data, ...more,
    });
  }

  /** A page that is looked at holds a lock, so that others of the same user stay quiet. */
  #showThatItIsSeen() {
    const name = lockOf(this.#people.me.id);
    let end = () => {};
    const changed = () => {
      end();
      if (!isLookedAt() || !navigator.locks) return;
      const left = new Promise((done) => { end = () => done(null); });
      navigator.locks.request(name, { mode: "shared" }, () => left).catch(() => null);
    };
    for (const event of ["focus", "blur"]) globalThis.addEventListener(event, changed);
    document.addEventListener("visibilitychange", changed);
    changed();
  }
}

const isLookedAt = () => document.visibilityState === "visible" && document.hasFocus();

/** @param {number} user */
const lockOf = (user) => `im:${user}:looked-at`;

/** @param {number} user */
async function isSeenElsewhere(user) {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return held.some(({ name }) => name === lockOf(user));
}

/** @param {Client} client */
const unheard = (client) =>
  client.conversations().reduce((sum, { muted, unread }) => sum + (muted ? 0 : unread), 0);

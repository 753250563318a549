// Files on their way to the server, each shown in its own chat with how far it is. Several travel at once; their
// messages go out one after the other, in the order in which they were chosen. They outlast a reload and an outage:
// each is kept with the cid of its message until that is the outbox's.

import { MEDIA, Refused } from "../../im/index.js";
import { newCid } from "../../im/cid.js";
import { fileName } from "../characters.js";
import { fill, h } from "../element.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";
import { describe } from "./describe.js";
import { NAME_BOUND, jobOf, nameOf, showFailure, showProgress } from "./job.js";
import { asItIs } from "./kinds.js";
import { shrunk } from "./shrink.js";
import { drop, isKept, keep, keptOf } from "./upload-store.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Words } from "../../im/types.js" */
/** @import { Address } from "../types.js" */
/** @import { Said } from "./describe.js" */
/** @import { Job } from "./job.js" */
/** @import { Kept } from "./upload-store.js" */
/** @typedef {(message: Words, conversation: Address, cid: string) => boolean} Post sends what was uploaded, and says whether it could */

const AT_ONCE = 3; // files that travel at the same time; more share the same line

export class Uploads {
  #rest; #user; #post; #key = ""; #travelling = 0; #last = 0;
  /** @type {Map<string, Job[]>} */
  #lines = new Map();

  /** @param {{ client: Client, user: number, post: Post }} parts */
  constructor({ client, user, post }) {
    this.#rest = client.rest;
    this.#user = user;
    this.#post = post;
    this.element = h("div.uploads", { "aria-live": "polite" });
    client.on("state", (state) => { if (state === "online") this.#goOn(); });
    keptOf(user).then((kept) => kept.forEach((one) => this.#takeUp(one)));
  }

  /** How many of all chats aren't sent yet. */
  get count() { return this.#all.length; }

  get #all() { return [...this.#lines.values()].flat(); }

  /**
   * Shows what is on its way to `conversation`.
   * @param {Address} conversation
   */
  open(conversation) {
    this.#key = keyOf(conversation);
    this.#show();
  }

  /**
   * Sends `file` with what is said with it.
   * @param {Address} conversation
   * @param {File} file
   * @param {Said} said
   */
  send({ scope, dstid }, file, said) {
    const kept = { cid: newCid(), user: this.#user, made: this.#now(), conversation: { scope, dstid }, file, said };
    const job = this.#add(kept);
    ours(kept.cid, job, async () => {});
    keep(kept);
    this.#start(job);
  }

  /**
   * Says why `file` can't be sent.
   * @param {Address} conversation
   * @param {File} file
   * @param {string} words
   */
  refuse(conversation, file, words) {
    const said = { seconds: 0, ref: 0, caption: "", original: true };
    this.#fail(this.#add({ cid: newCid(), made: this.#now(), conversation, file, said }), words);
  }

  /** Milliseconds since 1970, each time later than before. */
  #now() { return this.#last = Math.max(Date.now(), this.#last + 0.001); }

  /**
   * Goes on with what an earlier page began, as soon as no other page does.
   * @param {Kept} kept
   */
  #takeUp(kept) {
    const job = jobOf({ ...kept, key: keyOf(kept.conversation) });
    job.takenUp = true;
    ours(kept.cid, job, async () => {
      if (!(await isKept(kept.cid))) return job.done();
      this.#line(job);
      return this.#start(job);
    });
  }

  /** @param {Omit<Kept, "user">} what */
  #add(what) {
    const job = jobOf({ ...what, key: keyOf(what.conversation) });
    this.#line(job);
    return job;
  }

  /** @param {Job} job */
  #line(job) {
    const line = [...(this.#lines.get(job.key) ?? []), job].sort((a, b) => a.made - b.made);
    this.#lines.set(job.key, line);
    this.#show();
  }

  /** @param {Job} job */
  #start(job) {
    job.state = job.message ? "arrived" : "waiting";
    job.away = false;
    showProgress(job, () => this.#giveUp(job));
    this.#sendArrived(job.key);
    this.#begin();
  }

  /** There is a connection again: what failed without one is tried again. */
  #goOn() { for (const job of this.#all) if (job.state === "failed" && job.away) this.#start(job); }

  #begin() {
    for (const job of this.#all) if (job.state === "waiting" && this.#travelling < AT_ONCE) this.#run(job);
  }

  /** @param {Job} job */
  async #run(job) {
    job.state = "travelling";
    this.#travelling += 1;
    const { file, said, giving } = job;
    try {
      const [described, { url, thumb, type }] = await Promise.all([describe(file, said), this.#upload(job)]);
      const message = asItIs(described, type, file);
      const small = thumb && message.media === MEDIA.IMAGE ? { pic: thumb } : {};
      job.message = { ...message, ...small, url };
      job.state = "arrived";
    } catch (error) {
      job.away = error instanceof Refused && !error.status;
      if (!giving.signal.aborted) this.#fail(job, reason(error), true);
    } finally {
      this.#travelling -= 1;
    }
    this.#sendArrived(job.key);
    this.#begin();
  }

  /** @param {Job} job */
  async #upload({ file, said, giving, bar }) {
    const sent = said.original ? file : await shrunk(file);
    const name = fileName(sent.name, NAME_BOUND);
    /** @param {number} share */
    const progress = (share) => { bar.value = share; };
    return this.#rest.upload(sent, { name, filetype: endingOf(name), progress, signal: giving.signal });
  }

  /**
   * Posts what has arrived, up to the first that hasn't: what comes after it waits, or the order would be another.
   * @param {string} key
   */
  #sendArrived(key) {
    for (const job of this.#lines.get(key) ?? []) {
      if (job.state === "refused") continue; // it goes nowhere
      if (job.state !== "arrived" || !job.message) break;
      if (!this.#post(job.message, job.conversation, job.cid)) return this.#fail(job, t("problem.outbox-full"), true);
      this.#remove(job);
    }
    return undefined;
  }

  /**
   * @param {Job} job
   * @param {string} words
   * @param {boolean} [again] whether it can be tried again
   */
  #fail(job, words, again = false) {
    job.state = again ? "failed" : "refused";
    showFailure(job, words, { retry: again ? () => this.#start(job) : null, giveUp: () => this.#giveUp(job) });
    if (job.takenUp && job.away) return; // the state line says that there is no connection
    if (job.key !== this.#key) toast(`${nameOf(job)}: ${words}`, "bad"); // its own chat isn't the open one
  }

  /** @param {Job} job */
  #giveUp(job) {
    job.giving.abort();
    this.#remove(job);
    this.#sendArrived(job.key);
  }

  /** @param {Job} job */
  #remove(job) {
    drop(job.cid).then(() => job.done());
    const left = (this.#lines.get(job.key) ?? []).filter((other) => other !== job);
    if (left.length) this.#lines.set(job.key, left);
    else this.#lines.delete(job.key);
    this.#show();
  }

  #show() {
    fill(this.element, ...(this.#lines.get(this.#key) ?? []).map(({ row }) => row));
  }
}

/** @param {Address} conversation */
const keyOf = ({ scope, dstid }) => `${scope}:${dstid}`;

/** @param {string} name */
const endingOf = (name) => /\.[a-z0-9]{1,8}$/i.exec(name)?.[0] ?? "";

/**
 * Calls `begin` once this page is the one that sends the upload `cid`, which it is until `job.done()` or its end. Browsers
 * without locks may send it from several pages: its message is stored once all the same.
 * @param {string} cid
 * @param {Job} job
 * @param {() => Promise<void>} begin
 */
function ours(cid, job, begin) {
  if (!navigator.locks) return begin();
  return navigator.locks.request(`twim-upload:${cid}`, async () => {
    const ended = new Promise((done) => { job.done = () => done(undefined); });
    await begin();
    await ended;
  }).catch(() => begin());
}

// Files on their way to the server, each shown in its own chat with how far it is. Several travel at once; their
// messages go out one after the other, in the order in which they were chosen.

import { MEDIA } from "../../im/index.js";
import { button, iconButton } from "../button.js";
import { fileName } from "../characters.js";
import { fill, h } from "../element.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";
import { asItIs } from "./kinds.js";

/** @import { Rest } from "../../im/index.js" */
/** @import { Words } from "../../im/types.js" */
/** @import { Address } from "../types.js" */

/**
 * A file on its way. What failed can be tried again, what was refused can't. `describe` gives the message that the file
 * becomes, still without its url; `message` is there once the file has arrived.
 * @typedef {object} Job
 * @property {string} key of its conversation
 * @property {Address} conversation
 * @property {File} file
 * @property {() => Promise<Words>} describe
 * @property {"waiting" | "travelling" | "arrived" | "failed" | "refused"} state
 * @property {Words | null} message
 * @property {AbortController} giving gives the upload up
 * @property {HTMLElement} row
 * @property {HTMLProgressElement} bar
 */

const AT_ONCE = 3; // files that travel at the same time; more share the same line
const NAME_BOUND = 200; // characters of a name that the server is told

export class Uploads {
  #rest; #post; #key = ""; #travelling = 0;
  /** @type {Map<string, Job[]>} */
  #lines = new Map();

  /**
   * `post(message, conversation)` sends what was uploaded, and says whether it could.
   * @param {Rest} rest
   * @param {(message: Words, conversation: Address) => boolean} post
   */
  constructor(rest, post) {
    this.#rest = rest;
    this.#post = post;
    this.element = h("div.uploads", { "aria-live": "polite" });
  }

  /** How many of all chats aren't sent yet. */
  get count() { return [...this.#lines.values()].flat().length; }

  /**
   * Shows what is on its way to `conversation`.
   * @param {Address} conversation
   */
  open(conversation) {
    this.#key = keyOf(conversation);
    this.#show();
  }

  /**
   * Sends `file`; `describe()` gives the message that it becomes, still without its url.
   * @param {Address} conversation
   * @param {File} file
   * @param {() => Promise<Words>} describe
   */
  send(conversation, file, describe) {
    const job = this.#add(conversation, file, describe);
    this.#showProgress(job);
    this.#begin();
  }

  /**
   * Says why `file` can't be sent.
   * @param {Address} conversation
   * @param {File} file
   * @param {string} words
   */
  refuse(conversation, file, words) {
    this.#fail(this.#add(conversation, file, () => Promise.reject(new Error(words))), words);
  }

  /**
   * @param {Address} conversation
   * @param {File} file
   * @param {() => Promise<Words>} describe
   */
  #add(conversation, file, describe) {
    const key = keyOf(conversation);
    /** @type {Job} */
    const job = { key, conversation, file, describe, state: "waiting", message: null,
      giving: new AbortController(), row: h("div.upload"), bar: h("progress") };
    this.#lines.set(key, [...(this.#lines.get(key) ?? []), job]);
    this.#show();
    return job;
  }

  #begin() {
    for (const job of [...this.#lines.values()].flat()) {
      if (job.state === "waiting" && this.#travelling < AT_ONCE) this.#run(job);
    }
  }

  /** @param {Job} job */
  async #run(job) {
    job.state = "travelling";
    this.#travelling += 1;
    try {
      const [described, { url, thumb, type }] = await Promise.all([job.describe(), this.#upload(job)]);
      const message = asItIs(described, type, job.file);
      const small = thumb && message.media === MEDIA.IMAGE ? { pic: thumb } : {};
      job.message = { ...message, ...small, url };
      job.state = "arrived";
    } catch (error) {
      if (!job.giving.signal.aborted) this.#fail(job, reason(error), true);
    } finally {
      this.#travelling -= 1;
    }
    this.#sendArrived(job.key);
    this.#begin();
  }

  /** @param {Job} job */
  #upload({ file, giving, bar }) {
    const name = fileName(file.name, NAME_BOUND);
    /** @param {number} share */
    const progress = (share) => { bar.value = share; };
    return this.#rest.upload(file, { name, filetype: endingOf(name), progress, signal: giving.signal });
  }

  /**
   * Posts what has arrived, up to the first that hasn't: what comes after it waits, or the order would be another.
   * @param {string} key
   */
  #sendArrived(key) {
    for (const job of this.#lines.get(key) ?? []) {
      if (job.state === "refused") continue; // it goes nowhere
      if (job.state !== "arrived" || !job.message) break;
      if (!this.#post(job.message, job.conversation)) return this.#fail(job, t("problem.outbox-full"), true);
      this.#remove(job);
    }
    return undefined;
  }

  /** @param {Job} job */
  #showProgress(job) {
    job.giving = new AbortController();
    job.bar = h("progress", { max: 1, value: 0, "aria-label": t("compose.uploading") });
    job.row.classList.remove("bad");
    fill(job.row, h("span.upload-name", {}, h("bdi", {}, nameOf(job))), job.bar,
      iconButton("close", t("action.cancel"), () => this.#giveUp(job)));
  }

  /**
   * @param {Job} job
   * @param {string} words
   * @param {boolean} [again] whether it can be tried again
   */
  #fail(job, words, again = false) {
    job.state = again ? "failed" : "refused";
    job.row.classList.add("bad");
    const retry = () => {
      this.#showProgress(job);
      job.state = job.message ? "arrived" : "waiting";
      this.#sendArrived(job.key);
      this.#begin();
    };
    fill(job.row, h("span.upload-name", {}, h("bdi", {}, nameOf(job)), `: ${words}`),
      again && button(t("action.retry"), retry), iconButton("close", t("action.discard"), () => this.#giveUp(job)));
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

/** @param {Job} job */
const nameOf = ({ file }) => fileName(file.name, NAME_BOUND) || t("media.file");

/** @param {string} name */
const endingOf = (name) => /\.[a-z0-9]{1,8}$/i.exec(name)?.[0] ?? "";

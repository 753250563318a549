// A file on its way to the server, and the line that shows how far it is.

import { button, iconButton } from "../button.js";
import { fileName } from "../characters.js";
import { fill, h } from "../element.js";
import { t } from "../words.js";

/** @import { Words } from "../../im/types.js" */
/** @import { Address } from "../types.js" */
/** @import { Said } from "./describe.js" */

/**
 * What failed can be tried again, what was refused can't. `message` is there once the file has arrived; `away` is set where
 * it failed because there was no connection.
 * @typedef {object} Job
 * @property {string} key of its conversation
 * @property {Address} conversation
 * @property {string} cid of the message that it becomes
 * @property {number} made
 * @property {File} file
 * @property {Said} said
 * @property {"waiting" | "travelling" | "arrived" | "failed" | "refused"} state
 * @property {boolean} away
 * @property {boolean} takenUp whether an earlier page began it
 * @property {Words | null} message
 * @property {AbortController} giving gives the upload up
 * @property {() => void} done lets other pages know that it is no longer ours to send
 * @property {HTMLElement} row
 * @property {HTMLProgressElement} bar
 */

export const NAME_BOUND = 200; // characters of a name that the server is told

/**
 * @param {Pick<Job, "key" | "conversation" | "cid" | "made" | "file" | "said">} what
 * @returns {Job}
 */
export const jobOf = (what) => ({ ...what, state: "waiting", away: false, takenUp: false, message: null, giving: new AbortController(),
  done: () => {}, row: h("div.upload"), bar: h("progress") });

/** @param {Pick<Job, "file">} job */
export const nameOf = ({ file }) => fileName(file.name, NAME_BOUND) || t("media.file");

/**
 * Shows that it is on its way.
 * @param {Job} job
 * @param {() => void} giveUp
 */
export function showProgress(job, giveUp) {
  job.giving = new AbortController();
  job.bar = h("progress", { max: 1, value: 0, "aria-label": t("compose.uploading") });
  job.row.classList.remove("bad");
  fill(job.row, h("span.upload-name", {}, h("bdi", {}, nameOf(job))), job.bar, iconButton("close", t("action.cancel"), giveUp));
}

/**
 * Shows why it doesn't go; `retry` where it can be tried again.
 * @param {Job} job
 * @param {string} words
 * @param {{ retry: (() => void) | null, giveUp: () => void }} acts
 */
export function showFailure(job, words, { retry, giveUp }) {
  job.row.classList.add("bad");
  fill(job.row, h("span.upload-name", {}, h("bdi", {}, nameOf(job)), `: ${words}`),
    retry && button(t("action.retry"), retry), iconButton("close", t("action.discard"), giveUp));
}

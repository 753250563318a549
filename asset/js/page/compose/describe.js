// The message that a file becomes.

import { MEDIA } from "../../im/index.js";
import { fileName, wellFormed } from "../characters.js";
import { asFile, isShown } from "./kinds.js";
import { secondsOf } from "./seconds.js";

/** @import { Words } from "../../im/types.js" */

/**
 * What is said with a file: how long a recording is (0 of anything else), the seq of the message that it answers (0 for
 * none), words below a picture, and whether a picture goes as it is.
 * @typedef {{ seconds: number, ref: number, caption: string, original: boolean }} Said
 */

const NAME_BOUND = 200; // characters of a file's name that are sent

/** @param {number} ref */
const answering = (ref) => (ref ? { ref } : {});

/** @type {(seconds: number, ref: number) => Words} */
const voiceOf = (seconds, ref) => ({ media: MEDIA.VOICE, amount: seconds, ...answering(ref) });

/**
 * The message, still without its url.
 * @param {File} file
 * @param {Said} said
 * @returns {Promise<Words>}
 */
export async function describe(file, { seconds, ref, caption }) {
  if (seconds) return voiceOf(seconds, ref);
  const [kind] = file.type.split("/");
  const reply = answering(ref);
  const words = wellFormed(caption.trim());
  if (isShown(file.type)) return { media: MEDIA.IMAGE, ...(words && { content: words }), ...reply };
  const content = fileName(file.name, NAME_BOUND);
  if (kind === "video") return { media: MEDIA.VIDEO, content, ...reply };
  const length = kind === "audio" ? await secondsOf(file) : 0;
  return length ? voiceOf(length, ref) : asFile(file, reply);
}

// Which kind of message a file becomes.

import { MEDIA } from "../../im/index.js";
import { fileName } from "../characters.js";
import { sizeOf } from "./sizes.js";

/** @import { Words } from "../../im/types.js" */

const SHOWN = /^image\/(png|jpeg|gif|webp|avif)$/;
const NAME_BOUND = 200; // characters of a file's name that are sent

/**
 * Whether files of this type are shown as pictures.
 * @param {string} type
 */
export const isShown = (type) => SHOWN.test(type);

/**
 * A message of a file that is only to be saved; `more` is what else belongs to it.
 * @param {File} file
 * @param {Partial<Words>} [more]
 * @returns {Words}
 */
export const asFile = (file, more = {}) =>
  ({ media: MEDIA.LINK, content: fileName(file.name, NAME_BOUND), memo: sizeOf(file.size), ...more });

/**
 * Whether a file is a picture is the server's to say, which has seen it: `type`, left out where only a store has it.
 * @param {Words} message
 * @param {string | undefined} type
 * @param {File} file
 * @returns {Words}
 */
export function asItIs(message, type, file) {
  if (!type || isShown(type) === (message.media === MEDIA.IMAGE)) return message;
  const more = message.ref ? { ref: message.ref } : {};
  return isShown(type) ? { media: MEDIA.IMAGE, ...more } : asFile(file, more);
}

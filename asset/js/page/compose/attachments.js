// Pictures, voices and files for a chat: chosen, pasted or dropped, looked at in the tray, then sent.

import { MEDIA } from "../../im/index.js";
import { iconButton } from "../button.js";
import { fileName } from "../characters.js";
import { h } from "../element.js";
import { toast } from "../toast.js";
import { t } from "../words.js";
import { asFile, isShown } from "./kinds.js";
import { secondsOf } from "./seconds.js";
import { sizeOf } from "./sizes.js";
import { brought } from "./transfer.js";
import { Tray } from "./tray.js";
import { Uploads } from "./uploads.js";

/** @import { Attribute } from "../element.js" */
/** @import { Client } from "../../im/index.js" */
/** @import { Words } from "../../im/types.js" */
/** @import { Address } from "../types.js" */

const OVER = "dropping"; // the class of an element over which files are
const NAME_BOUND = 200; // characters of a file's name that are sent

export class Attachments {
  #client; #tray; #uploads; #write; #anyFile;
  /** @type {Address | null} */
  #conversation = null;
  /** @type {number | null} */
  #largest = null; // bytes that the server takes, once it has said so; it has the last word

  /**
   * Files dropped on `dropOn` are taken. `post(message, conversation)` sends what was uploaded, and says whether it could.
   * `write(text)` puts a dropped text where one writes, `changed()` is told when it is another thing that waits.
   * @param {object} parts
   * @param {Client} parts.client
   * @param {HTMLElement} parts.dropOn
   * @param {(message: Words, conversation: Address) => boolean} parts.post
   * @param {(text: string) => void} parts.write
   * @param {() => void} parts.changed
   */
  constructor({ client, dropOn, post, write, changed }) {
    this.#client = client;
    this.#tray = new Tray(changed);
    this.#uploads = new Uploads(client.rest, post);
    this.#write = write;
    this.element = h("div.attachments", {}, this.#uploads.element, this.#tray.element);
    const pictures = this.#chooser("picture", t("compose.picture"), { accept: "image/*,video/*", multiple: true });
    const camera = this.#chooser("camera", t("compose.camera"), { accept: "image/*", capture: "environment" });
    const anyFile = this.#chooser("file", t("compose.file"), { multiple: true });
    this.#anyFile = anyFile.input;
    this.buttons = [pictures, camera, anyFile].flatMap(({ button, input }) => [button, input]);
    this.#takeDrops(dropOn);
  }

  /** Whether something waits to be sent in the open chat. */
  get waiting() { return this.#tray.filled; }

  /** How many files of all chats aren't sent yet. */
  get unsent() { return this.#tray.count + this.#uploads.count; }

  /** @param {Address} conversation */
  open(conversation) {
    this.#conversation = conversation;
    this.#tray.open(conversation);
    this.#uploads.open(conversation);
    this.#ask();
  }

  close() { this.#conversation = null; }

  /**
   * Opens the file chooser for files of these types.
   * @param {string} accept as the attribute of an input
   */
  choose(accept) {
    const input = this.#anyFile;
    input.accept = accept;
    input.click();
    input.accept = "";
  }

  /**
   * Puts files into the tray of the open chat; one that can't be sent says so at once.
   * @param {Iterable<File>} files
   */
  take(files) {
    const conversation = this.#conversation;
    if (!conversation) return;
    const largest = this.#largest ?? Infinity;
    for (const file of files) {
      if (file.size > largest) this.#uploads.refuse(conversation, file, `${t("problem.too-large")} (> ${sizeOf(largest)})`);
      else if (!file.size) this.#uploads.refuse(conversation, file, t("problem.empty"));
      else this.#tray.add(conversation, file);
    }
  }

  /**
   * Takes the files of a paste or drop; false when it brings a text, which wins.
   * @param {DataTransfer | null} transfer
   */
  takeFrom(transfer) {
    if (!transfer) return false;
    const { text, files, folders } = brought(transfer);
    if (text || !(files.length || folders)) return false;
    if (folders) toast(t("tray.no-folders"), "bad");
    this.take(files);
    return true;
  }

  /**
   * A recording for `conversation`: sent, or kept in its tray when the chat was left in the middle of it.
   * @param {File} file
   * @param {number} seconds
   * @param {{ conversation: Address, sent: boolean, ref?: number }} where
   */
  voice(file, seconds, { conversation, sent, ref = 0 }) {
    if (sent) this.#uploads.send(conversation, file, async () => voiceOf(seconds, ref));
    else this.#tray.add(conversation, file, seconds);
  }

  /**
   * Sends what waits in the open chat, in its order; the first answers the message `ref`, if that isn't 0.
   * @param {number} ref
   */
  send(ref) {
    const conversation = this.#conversation;
    if (!conversation) return;
    for (const [at, { file, seconds }] of this.#tray.take().entries()) {
      const reply = at ? 0 : ref;
      this.#uploads.send(conversation, file, async () => (seconds ? voiceOf(seconds, reply) : describe(file, reply)));
    }
  }

  async #ask() {
    if (this.#largest !== null) return;
    try {
      this.#largest = (await this.#client.settings()).upload_limit;
    } catch { /* asked again with the next conversation */ }
  }

  /**
   * A button that opens a file chooser, and the input behind it.
   * @param {"picture" | "camera" | "file"} name
   * @param {string} words
   * @param {Record<string, Attribute>} attributes of the input
   */
  #chooser(name, words, attributes) {
    const input = h("input", { type: "file", hidden: true, ...attributes, dataset: { choose: name } });
    input.addEventListener("change", () => {
      this.take([...(input.files ?? [])]);
      input.value = "";
    });
    return { button: iconButton(name, words, () => input.click(), `.choose-${name}`), input };
  }

  /** @param {HTMLElement} element */
  #takeDrops(element) {
    /** @param {DragEvent} event */
    const filesOf = ({ dataTransfer }) =>
      (this.#conversation && dataTransfer?.types.includes("Files") ? dataTransfer : null);
    element.addEventListener("dragover", (event) => {
      if (!filesOf(event)) return;
      event.preventDefault();
      element.classList.add(OVER);
    });
    element.addEventListener("dragleave", ({ relatedTarget }) => {
      if (!element.contains(/** @type {Node | null} */ (relatedTarget))) element.classList.remove(OVER);
    });
    element.addEventListener("drop", (event) => {
      element.classList.remove(OVER);
      const transfer = filesOf(event);
      if (!transfer) return;
      event.preventDefault();
      if (!this.takeFrom(transfer)) this.#write(transfer.getData("text/plain"));
    });
  }
}

/** @param {number} ref */
const answering = (ref) => (ref ? { ref } : {});

/** @type {(seconds: number, ref: number) => Words} */
const voiceOf = (seconds, ref) => ({ media: MEDIA.VOICE, amount: seconds, ...answering(ref) });

/**
 * The message that a file becomes, still without its url.
 * @param {File} file
 * @param {number} ref
 * @returns {Promise<Words>}
 */
async function describe(file, ref) {
  const [kind] = file.type.split("/");
  const reply = answering(ref);
  if (isShown(file.type)) return { media: MEDIA.IMAGE, ...reply };
  const content = fileName(file.name, NAME_BOUND);
  if (kind === "video") return { media: MEDIA.VIDEO, content, ...reply };
  const seconds = kind === "audio" ? await secondsOf(file) : 0;
  if (seconds) return voiceOf(seconds, ref);
  return asFile(file, reply);
}

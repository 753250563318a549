// Pictures, voices and files for a chat: chosen, pasted or dropped, looked at in the tray, then sent.

import { iconButton } from "../button.js";
import { h } from "../element.js";
import { toast } from "../toast.js";
import { t } from "../words.js";
import { sizeOf } from "./sizes.js";
import { brought } from "./transfer.js";
import { Tray } from "./tray.js";
import { Uploads } from "./uploads.js";

/** @import { Attribute } from "../element.js" */
/** @import { Client } from "../../im/index.js" */
/** @import { Address } from "../types.js" */
/** @import { Post } from "./uploads.js" */
/** @typedef {"picture" | "camera" | "file"} Chooser */

const OVER = "dropping"; // the class of an element over which files are

export class Attachments {
  #client; #tray; #uploads; #write;
  /** @type {Map<Chooser, HTMLInputElement>} */
  #inputs = new Map();
  /** @type {Address | null} */
  #conversation = null;
  /** @type {number | null} */
  #largest = null; // bytes that the server takes, once it has said so; it has the last word

  /**
   * Files dropped on `dropOn` are taken, and sent for the user whose id is `user`. `write(text)` puts a dropped text where one
   * writes, `changed()` is told when it is another thing that waits, and `submit()` sends all.
   * @param {object} parts
   * @param {Client} parts.client
   * @param {number} parts.user
   * @param {HTMLElement} parts.dropOn
   * @param {Post} parts.post
   * @param {(text: string) => void} parts.write
   * @param {() => void} parts.changed
   * @param {() => void} parts.submit
   */
  constructor({ client, user, dropOn, post, write, changed, submit }) {
    this.#client = client;
    this.#tray = new Tray({ changed, submit });
    this.#uploads = new Uploads({ client, user, post });
    this.#write = write;
    this.element = h("div.attachments", {}, this.#uploads.element, this.#tray.element);
    const pictures = this.#chooser("picture", t("compose.picture"), { accept: "image/*,video/*", multiple: true });
    const camera = this.#chooser("camera", t("compose.camera"), { accept: "image/*", capture: "environment" });
    const anyFile = this.#chooser("file", t("compose.file"), { multiple: true });
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
    const input = this.#inputs.get("file");
    if (!input) return;
    input.accept = accept;
    input.click();
    input.accept = "";
  }

  /** @param {Chooser} name */
  chooseBy(name) { this.#inputs.get(name)?.click(); }

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
    if (sent) this.#uploads.send(conversation, file, { seconds, ref, caption: "", original: true });
    else this.#tray.add(conversation, file, seconds);
  }

  /**
   * Sends what waits in the open chat, in its order; the first answers the message `ref`, if that isn't 0.
   * @param {number} ref
   */
  send(ref) {
    const conversation = this.#conversation;
    if (!conversation) return;
    for (const [at, { file, ...said }] of this.#tray.take().entries()) {
      this.#uploads.send(conversation, file, { ...said, ref: at ? 0 : ref });
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
   * @param {Chooser} name
   * @param {string} words
   * @param {Record<string, Attribute>} attributes of the input
   */
  #chooser(name, words, attributes) {
    const input = h("input", { type: "file", hidden: true, ...attributes, dataset: { choose: name } });
    this.#inputs.set(name, input);
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

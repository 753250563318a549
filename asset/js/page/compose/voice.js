// Recording a voice message.

import { button, iconButton } from "../button.js";
import { fill, h } from "../element.js";
import { duration } from "../moment.js";
import { toast } from "../toast.js";
import { t } from "../words.js";

/** @import { Address } from "../types.js" */
/** @typedef {"sent" | "kept" | "dropped"} End what becomes of a recording */
/** @typedef {(file: File, seconds: number, how: { conversation: Address, sent: boolean }) => void} Take */

const LONGEST = 120; // seconds
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"]; // the second is Safari's

const ENDINGS = new Map([["audio/mp4", "m4a"], ["audio/ogg", "ogg"]]);

export class Voice {
  #take; #choose; #asking = false;
  /** @type {Address | null} */
  #conversation = null;
  /** @type {((how: End) => void) | null} */
  #stop = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #clock;

  /**
   * `take(file, seconds, {conversation, sent})` gets the recording, to be sent or only to be kept; `choose()` opens a
   * file chooser where recording isn't possible.
   * @param {{ take: Take, choose: () => void }} calls
   */
  constructor({ take, choose }) {
    this.#take = take;
    this.#choose = choose;
    this.element = h("div.recording", { hidden: true, role: "status" });
    this.button = iconButton("mic", t("voice.record"), () => this.#begin(), ".record");
  }

  /** @param {Address} conversation */
  open(conversation) { this.#conversation = conversation; }

  /** The chat is left: what was recorded for it is kept there. */
  close() {
    this.#end("kept");
    this.#conversation = null;
  }

  async #begin() {
    if (this.#stop || this.#asking) return;
    // Browsers give the microphone only to pages with TLS or on localhost; elsewhere mediaDevices is missing.
    if (!navigator.mediaDevices?.getUserMedia || !globalThis.MediaRecorder) {
      toast(t("voice.insecure"));
      this.#choose();
      return;
    }
    this.#asking = true;
    const conversation = this.#conversation;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      if (conversation && conversation === this.#conversation) this.#record(stream, conversation);
      else letGo(stream); // another chat was opened while the browser asked
    } catch (error) {
      const forbidden = error instanceof DOMException && error.name === "NotAllowedError";
      toast(forbidden ? t("voice.not-allowed") : t("voice.no-microphone"), "bad");
    } finally {
      this.#asking = false;
    }
  }

  /**
   * @param {MediaStream} stream
   * @param {Address} conversation
   */
  #record(stream, conversation) {
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    const recorder = new MediaRecorder(stream, mimeType ? { mimeType, audioBitsPerSecond: 32_000 } : {});
    /** @type {Blob[]} */
    const chunks = [];
    const began = Date.now();
    let end = /** @type {End} */ ("kept"); // also when it stops by itself, as when the microphone is pulled out
    /** @param {End} how */
    const stop = (how) => {
      end = how;
      if (recorder.state !== "inactive") recorder.stop();
    };
    recorder.ondataavailable = ({ data }) => data.size && chunks.push(data);
    recorder.onstop = () => {
      letGo(stream);
      if (this.#stop === stop) this.#end("kept");
      if (end === "dropped" || !chunks.length) return;
      const seconds = Math.max(1, Math.ceil((Date.now() - began) / 1000));
      this.#take(fileOf(chunks, recorder.mimeType), seconds, { conversation, sent: end === "sent" });
    };
    this.#stop = stop;
    recorder.start();
    this.#show(began);
  }

  /** @param {number} began when, in ms since 1970 */
  #show(began) {
    const time = h("b", {}, duration(0));
    this.#clock = setInterval(() => {
      const seconds = (Date.now() - began) / 1000;
      time.textContent = duration(seconds);
      if (seconds >= LONGEST) this.#end("kept");
    }, 250);
    const send = button(t("voice.send"), () => this.#end("sent"), ".primary");
    fill(this.element, h("span.recording-dot"), time, h("span.recording-words", {}, t("voice.recording")),
      button(t("action.cancel"), () => this.#end("dropped")), send);
    this.element.hidden = false;
    send.focus();
  }

  /**
   * Stops recording.
   * @param {End} end
   */
  #end(end) {
    if (!this.#stop) return;
    const stop = this.#stop;
    clearInterval(this.#clock);
    this.#stop = null;
    this.element.hidden = true;
    stop(end);
  }
}

/** @param {MediaStream} stream */
const letGo = (stream) => stream.getTracks().forEach((track) => track.stop());

/**
 * @param {Blob[]} chunks
 * @param {string} mimeType
 */
function fileOf(chunks, mimeType) {
  const type = mimeType.split(";")[0];
  const ending = ENDINGS.get(type) ?? "webm";
  return new File(chunks, `voice.${ending}`, { type });
}

// Voice messages: the microphone is asked for, what is recorded is sent, kept or dropped.

import { iconButton } from "../button.js";
import { toast } from "../toast.js";
import { t } from "../words.js";
import { Recorder, letGo } from "./recorder.js";
import { RecordingBar } from "./recording-bar.js";

/** @import { Address } from "../types.js" */
/** @import { End } from "./recorder.js" */
/** @typedef {(file: File, seconds: number, how: { conversation: Address, sent: boolean }) => void} Take */

export class Voice {
  #take; #choose; #bar; #asking = false;
  /** @type {Address | null} */
  #conversation = null;
  /** @type {((how: End) => void) | null} */
  #stop = null;

  /**
   * `take(file, seconds, {conversation, sent})` gets the recording, to be sent or only to be kept; `choose()` opens a
   * file chooser where recording isn't possible.
   * @param {{ take: Take, choose: () => void }} calls
   */
  constructor({ take, choose }) {
    this.#take = take;
    this.#choose = choose;
    this.#bar = new RecordingBar((how) => this.#end(how));
    this.element = this.#bar.element;
    this.button = iconButton("mic", t("voice.record"), () => this.begin(), ".record");
  }

  /** @param {Address} conversation */
  open(conversation) { this.#conversation = conversation; }

  /** The chat is left: what was recorded for it is kept there. */
  close() {
    this.#end("kept");
    this.#conversation = null;
  }

  async begin() {
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
    let end = /** @type {End} */ ("kept"); // also when it stops by itself, as when the microphone is pulled out
    const recorder = new Recorder(stream, (recording) => {
      if (this.#stop === stop) this.#end("kept");
      if (end === "dropped" || !recording) return;
      this.#take(recording.file, recording.seconds, { conversation, sent: end === "sent" });
    });
    /** @param {End} how */
    const stop = (how) => {
      end = how;
      recorder.stop();
    };
    this.#stop = stop;
    this.#bar.show(recorder);
  }

  /**
   * Stops recording.
   * @param {End} end
   */
  #end(end) {
    if (!this.#stop) return;
    const stop = this.#stop;
    this.#stop = null;
    this.#bar.hide();
    stop(end);
  }
}

// Recording a voice message.

import { button, iconButton } from "../button.js";
import { fill, h } from "../element.js";
import { duration } from "../moment.js";
import { toast } from "../toast.js";
import { t } from "../words.js";

const LONGEST = 120; // seconds
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"]; // the second is Safari's

export class Voice {
  #take; #choose; #recorder = null; #began = 0; #clock = null; #wanted = false; #asking = false;

  /** `take(file, seconds)` gets the recording; `choose()` opens a file chooser where recording isn't possible. */
  constructor({ take, choose }) {
    this.#take = take;
    this.#choose = choose;
    this.element = h("div.recording", { hidden: true, role: "status" });
    this.button = iconButton("mic", t("voice.record"), () => this.#begin(), ".record");
  }

  cancel() { this.#end(false); }

  async #begin() {
    if (this.#recorder || this.#asking) return;
    // Browsers give the microphone only to pages with TLS or on localhost; elsewhere mediaDevices is missing.
    if (!navigator.mediaDevices?.getUserMedia || !globalThis.MediaRecorder) {
      toast(t("voice.insecure"));
      this.#choose();
      return;
    }
    this.#asking = true;
    try {
      this.#record(await navigator.mediaDevices.getUserMedia({ audio: true }));
    } catch (error) {
      toast((error.name === "NotAllowedError" ? t("voice.not-allowed") : t("voice.no-microphone")), "bad");
    } finally {
      this.#asking = false;
    }
  }

  #record(stream) {
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    const recorder = new MediaRecorder(stream, mimeType ? { mimeType, audioBitsPerSecond: 32_000 } : {});
    const chunks = [];
    recorder.ondataavailable = ({ data }) => data.size && chunks.push(data);
    recorder.onstop = () => {
      stream.getTracks().forEach((track) => track.stop());
      const seconds = Math.max(1, Math.ceil((Date.now() - this.#began) / 1000));
      if (this.#wanted && chunks.length) this.#take(fileOf(chunks, recorder.mimeType), seconds);
    };
    this.#recorder = recorder;
    this.#began = Date.now();
    recorder.start();
    this.#show();
  }

  #show() {
    const time = h("b", {}, duration(0));
    this.#clock = setInterval(() => {
      const seconds = (Date.now() - this.#began) / 1000;
      time.textContent = duration(seconds);
      if (seconds >= LONGEST) this.#end(true);
    }, 250);
    fill(this.element, h("span.recording-dot"), time, h("span.recording-words", {}, t("voice.recording")),
      button(t("action.cancel"), () => this.#end(false)), button(t("voice.send"), () => this.#end(true), ".primary"));
    this.element.hidden = false;
    this.element.querySelector(".primary").focus();
  }

  #end(wanted) {
    if (!this.#recorder) return;
    clearInterval(this.#clock);
    this.#wanted = wanted;
    this.#recorder.stop();
    this.#recorder = null;
    this.element.hidden = true;
  }
}

function fileOf(chunks, mimeType) {
  const type = mimeType.split(";")[0];
  const ending = { "audio/mp4": "m4a", "audio/ogg": "ogg" }[type] ?? "webm";
  return new File(chunks, `voice.${ending}`, { type });
}

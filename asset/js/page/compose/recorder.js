// Sound from the microphone: recorded, paused, measured.

/** @typedef {"sent" | "kept" | "dropped"} End what becomes of a recording */

const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"]; // the second is Safari's
const ENDINGS = new Map([["audio/mp4", "m4a"], ["audio/ogg", "ogg"]]);
const WINDOW = 4096; // samples that are measured at once: most of the time between two looks, so that no short sound is missed
const LOUD = 0.25; // the root mean square that counts as full, of samples from -1 to 1

export class Recorder {
  #recorder; #meter; #before = 0; #since = Date.now();
  /** @type {Blob[]} */
  #chunks = [];

  /**
   * Begins to record. `stopped(recording)` gets it at the end, also when the microphone is pulled out; null where nothing
   * was recorded. The stream ends with it.
   * @param {MediaStream} stream
   * @param {(recording: { file: File, seconds: number } | null) => void} stopped
   */
  constructor(stream, stopped) {
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    this.#recorder = new MediaRecorder(stream, mimeType ? { mimeType, audioBitsPerSecond: 32_000 } : {});
    this.#meter = meterOf(stream);
    this.#recorder.ondataavailable = ({ data }) => data.size && this.#chunks.push(data);
    this.#recorder.onstop = () => {
      const seconds = Math.max(1, Math.ceil(this.seconds));
      letGo(stream);
      this.#meter.end();
      stopped(this.#chunks.length ? { file: fileOf(this.#chunks, this.#recorder.mimeType), seconds } : null);
    };
    this.#recorder.start();
  }

  /** How long it is so far, without its pauses. */
  get seconds() { return this.#before + (this.paused ? 0 : (Date.now() - this.#since) / 1000); }

  get paused() { return this.#recorder.state === "paused"; }

  /** How loud it is now, from 0 to 1. */
  get level() { return this.paused ? 0 : Math.min(1, this.#meter.level() / LOUD); }

  /** Pauses, or goes on. */
  toggle() {
    if (this.paused) {
      this.#since = Date.now();
      this.#recorder.resume();
    } else {
      this.#before = this.seconds;
      this.#recorder.pause();
    }
  }

  stop() { if (this.#recorder.state !== "inactive") this.#recorder.stop(); }
}

/** @param {MediaStream} stream */
export const letGo = (stream) => stream.getTracks().forEach((track) => track.stop());

/**
 * Measures the sound of a stream; where the browser can't, it is silent.
 * @param {MediaStream} stream
 */
function meterOf(stream) {
  if (!globalThis.AudioContext) return { level: () => 0, end: () => {} };
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: WINDOW });
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return {
    level: () => {
      analyser.getFloatTimeDomainData(samples);
      return Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
    },
    end: () => { context.close(); },
  };
}

/**
 * @param {Blob[]} chunks
 * @param {string} mimeType
 */
function fileOf(chunks, mimeType) {
  const type = mimeType.split(";")[0];
  const ending = ENDINGS.get(type) ?? "webm";
  return new File(chunks, `voice.${ending}`, { type });
}

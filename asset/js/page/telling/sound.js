// A small sound, made here: two notes, the second a fifth above the first.

const NOTES = [{ at: 0, hertz: 587 }, { at: 0.09, hertz: 880 }];
const LASTS = 0.22; // seconds of each note
const LOUD = 0.12;

/** @type {AudioContext | null} */
let context = null;

/** Plays it, where the browser lets a page that wasn't touched yet. */
export async function play() {
  if (!("AudioContext" in globalThis)) return;
  context ??= new AudioContext();
  if (context.state === "suspended") await Promise.race([context.resume(), new Promise((done) => { setTimeout(done, 200); })]);
  if (context.state !== "running") return;
  for (const { at, hertz } of NOTES) note(context, context.currentTime + at, hertz);
}

/**
 * @param {AudioContext} audio
 * @param {number} start
 * @param {number} hertz
 */
function note(audio, start, hertz) {
  const tone = new OscillatorNode(audio, { type: "sine", frequency: hertz });
  const loud = new GainNode(audio, { gain: 0 });
  loud.gain.setValueAtTime(0, start);
  loud.gain.linearRampToValueAtTime(LOUD, start + 0.01);
  loud.gain.exponentialRampToValueAtTime(0.0001, start + LASTS);
  tone.connect(loud).connect(audio.destination);
  tone.start(start);
  tone.stop(start + LASTS);
}

import { h } from "../element.js";
import { icon } from "../icon.js";
import { duration, seconds as secondsOf } from "../moment.js";
import { t } from "../words.js";
import { barsOf } from "./sound-bars.js";

const BARS = 24;
const SPEEDS = [1, 1.5, 2];
let speed = 0; // the place of the speed that was chosen last, for all voices
/** @type {HTMLAudioElement | null} */
let playing = null; // one voice at a time

/**
 * A voice message: play and pause, how fast, how far, how long; its bars are its sound's once it was played. `amount` (seconds) comes from the message: webm files don't tell.
 * @param {string | null} address
 * @param {number} [amount]
 */
export function voicePlayer(address, amount = 0) {
  const seconds = secondsOf(amount);
  const audio = address ? new Audio() : null;
  const attributes = { type: "button", "aria-label": t("voice.play"), disabled: !address };
  const button = h("button.voice-play", attributes, icon("play"));
  const bars = Array.from({ length: BARS }, (_, at) => h(`i.bar-${1 + ((at * 7 + at * at * 3) % 5)}`));
  const time = h("span.voice-time", {}, duration(seconds));
  const shape = h("span.voice-bars", { "aria-hidden": "true" }, ...bars);
  const fast = h("button.voice-speed", { type: "button", disabled: !address });
  const player = h("div.voice", { dataset: { seconds } }, button, shape, time, fast);
  showSpeed(fast);
  if (!address || !audio) return player;

  fast.addEventListener("click", () => {
    speed = (speed + 1) % SPEEDS.length;
    audio.playbackRate = SPEEDS[speed];
    showSpeed(fast);
  });
  let drawn = false;
  const draw = async () => {
    if (drawn) return;
    drawn = true;
    const heights = await barsOf(address, BARS);
    heights?.forEach((height, at) => { bars[at].classList.replace(bars[at].classList[0], `bar-${height}`); });
    if (heights) shape.dataset.real = "";
  };

  const show = () => {
    button.replaceChildren(icon(audio.paused ? "play" : "pause"));
    button.setAttribute("aria-label", (audio.paused ? t("voice.play") : t("voice.pause")));
    player.classList.toggle("playing", !audio.paused);
    const whole = seconds || (Number.isFinite(audio.duration) ? audio.duration : 0) || 1;
    const share = audio.paused && !audio.currentTime ? 0 : audio.currentTime / whole;
    bars.forEach((bar, at) => bar.classList.toggle("past", at / BARS < share));
    time.textContent = duration(audio.currentTime || seconds);
  };
  for (const event of ["play", "pause", "timeupdate"]) audio.addEventListener(event, show);
  audio.addEventListener("ended", () => { audio.currentTime = 0; show(); });
  audio.addEventListener("error", () => {
    player.classList.add("broken");
    player.dispatchEvent(new Event("error")); // the sound itself is in no page
  });
  button.addEventListener("click", () => {
    if (!audio.paused) return audio.pause();
    if (!audio.src) audio.src = address;
    if (playing && playing !== audio) playing.pause();
    playing = audio;
    draw();
    audio.playbackRate = SPEEDS[speed];
    showSpeed(fast);
    return audio.play().catch(() => player.classList.add("broken"));
  });
  return player;
}

/** @param {HTMLElement} button */
function showSpeed(button) {
  const words = `${SPEEDS[speed]}×`;
  button.textContent = words;
  button.title = t("voice.speed");
  button.setAttribute("aria-label", `${t("voice.speed")} ${words}`);
}

// What is seen of a recording: how long and how loud it is, and how to pause, cancel and send it.

import { button, iconButton } from "../button.js";
import { fill, h } from "../element.js";
import { icon } from "../icon.js";
import { duration } from "../moment.js";
import { t } from "../words.js";
import { byTouch } from "./touch.js";

/** @import { End, Recorder } from "./recorder.js" */

const LONGEST = 120; // seconds
const LOOK_EVERY = 100; // ms
const BARS = 24; // of the latest levels
const SWIPE = 90; // pixels to the side that cancel

export class RecordingBar {
  #end;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #clock;
  /** @type {(event: KeyboardEvent) => void} */
  #key = (event) => this.#pressed(event);

  /** @param {(how: End) => void} end is called with what is to become of the recording */
  constructor(end) {
    this.#end = end;
    this.element = h("div.recording", { hidden: true, role: "group", "aria-label": t("voice.recording") });
    this.#takeSwipes();
  }

  /** @param {Recorder} recorder */
  show(recorder) {
    const time = h("b", {}, duration(0));
    const bars = Array.from({ length: BARS }, () => h("i.bar-1"));
    const words = h("span.recording-words", { role: "status" }, t("voice.recording"));
    const pause = iconButton("pause", t("voice.pause"), () => {
      recorder.toggle();
      const said = recorder.paused ? t("voice.go-on") : t("voice.pause");
      for (const name of ["title", "aria-label"]) pause.setAttribute(name, said);
      fill(pause, icon(recorder.paused ? "mic" : "pause"));
      words.textContent = recorder.paused ? t("voice.paused") : t("voice.recording");
      this.element.classList.toggle("paused", recorder.paused);
    }, ".recording-pause");
    const send = button(t("voice.send"), () => this.#end("sent"), ".primary");
    fill(this.element, h("span.recording-dot"), time, h("span.recording-level", { "aria-hidden": "true" }, ...bars), words,
      byTouch() && h("small.recording-hint", {}, t("voice.swipe")), pause,
      button(t("action.cancel"), () => this.#end("dropped")), send);
    this.element.classList.remove("paused");
    this.element.hidden = false;
    send.focus();
    document.addEventListener("keydown", this.#key);
    /** @type {number[]} */
    let levels = Array(BARS).fill(0);
    this.#clock = setInterval(() => {
      time.textContent = duration(recorder.seconds);
      if (!recorder.paused) levels = [...levels.slice(1), recorder.level];
      bars.forEach((bar, at) => { bar.className = `bar-${1 + Math.round(levels[at] * 4)}`; });
      if (recorder.seconds >= LONGEST) this.#end("kept");
    }, LOOK_EVERY);
  }

  hide() {
    clearInterval(this.#clock);
    document.removeEventListener("keydown", this.#key);
    this.element.hidden = true;
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key !== "Escape" || event.isComposing || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    this.#end("dropped");
  }

  /** A finger that moves the bar to the side cancels; one that goes back doesn't. */
  #takeSwipes() {
    let from = NaN;
    /** @param {number} by */
    const moveTo = (by) => { this.element.style.translate = by ? `${by}px` : ""; };
    this.element.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "mouse" && !(event.target instanceof Element && event.target.closest("button"))) from = event.clientX;
    });
    this.element.addEventListener("pointermove", ({ clientX }) => { if (!Number.isNaN(from)) moveTo(Math.min(0, clientX - from)); });
    for (const name of /** @type {const} */ (["pointerup", "pointercancel", "pointerleave"])) {
      this.element.addEventListener(name, ({ clientX }) => {
        const cancels = name === "pointerup" && from - clientX > SWIPE;
        from = NaN;
        moveTo(0);
        if (cancels) this.#end("dropped");
      });
    }
  }
}

// Where the viewer's picture lies: enlarged and moved by the wheel, by fingers and by the mouse.

import { fill, h } from "../element.js";
import { t } from "../words.js";
import { WHOLE, bounded, pinched, zoomed } from "./zoom.js";

/** @import { Look, Point } from "./zoom.js" */
/** @typedef {{ aside: (way: -1 | 1) => void, left: () => void }} Asked to the picture before or after, and away from all of them */

const DOUBLE = 2.5; // by which a double click enlarges
const TWICE = 350; // ms between its clicks
const STILL = 8; // pixels that a click may move
const SWIPE = 60; // pixels that a finger goes to the side, or down, to ask for another picture or none
const WHEEL = 0.002; // of the logarithm of the size, for each pixel
const PINCHED = 0.01; // the same for two fingers on a touchpad
const LINE = 16; // pixels, for wheels that count in lines

export class Stage {
  #asked; #picture = h("img", { alt: "" });
  /** @type {Look} */
  #look = WHOLE;
  /** @type {Map<number, Point>} */
  #fingers = new Map();
  #begin = { x: 0, y: 0, onPicture: false, touch: false };
  #moved = false;
  #lastClick = -Infinity;

  /** @param {Asked} asked */
  constructor(asked) {
    this.#asked = asked;
    this.element = h("div.viewer-stage");
    const element = this.element;
    element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    element.addEventListener("pointerdown", (event) => this.#down(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    element.addEventListener("pointerup", (event) => this.#up(event));
    element.addEventListener("pointercancel", ({ pointerId }) => this.#fingers.delete(pointerId));
    element.addEventListener("dragstart", (event) => event.preventDefault());
  }

  /**
   * Shows another picture, whole.
   * @param {string} address
   * @param {string} name
   */
  show(address, name) {
    const picture = h("img", { src: address, alt: name, referrerpolicy: "no-referrer", draggable: "false" });
    picture.addEventListener("error", () => picture.isConnected && fill(this.element, h("p.viewer-failed", { role: "alert" }, t("viewer.failed"))));
    this.#picture = picture;
    this.#look = WHOLE;
    this.#fingers.clear();
    fill(this.element, picture);
  }

  /**
   * Larger or smaller by a factor, around a point; whole by 0.
   * @param {number} factor
   * @param {Point} [point]
   */
  zoom(factor, point) { this.#turn(factor ? zoomed(this.#look, factor, point) : WHOLE); }

  /** @param {Look} look */
  #turn(look) {
    const { offsetWidth: width, offsetHeight: height } = this.#picture;
    this.#look = bounded(look, { width, height }, { width: this.element.clientWidth, height: this.element.clientHeight });
    const { scale, x, y } = this.#look;
    this.#picture.style.transform = scale === 1 ? "" : `translate(${x}px, ${y}px) scale(${scale})`;
    this.element.classList.toggle("enlarged", scale > 1);
  }

  /**
   * @param {{ clientX: number, clientY: number }} event
   * @returns {Point}
   */
  #pointOf({ clientX, clientY }) {
    const { left, top, width, height } = this.element.getBoundingClientRect();
    return { x: clientX - left - width / 2, y: clientY - top - height / 2 };
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1);
    this.zoom(Math.exp(-pixels * (event.ctrlKey ? PINCHED : WHEEL)), this.#pointOf(event));
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button > 0) return;
    const point = this.#pointOf(event);
    this.element.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, point);
    if (this.#fingers.size > 1) this.#moved = true;
    else {
      this.#begin = { ...point, onPicture: event.target === this.#picture, touch: event.pointerType === "touch" };
      this.#moved = false;
    }
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    const now = this.#pointOf(event);
    const other = [...this.#fingers].find(([id]) => id !== event.pointerId)?.[1];
    this.#fingers.set(event.pointerId, now);
    if (Math.hypot(now.x - this.#begin.x, now.y - this.#begin.y) > STILL) this.#moved = true;
    this.element.classList.add("held");
    if (other) this.#turn(pinched(this.#look, [before, other], [now, other]));
    else if (this.#look.scale > 1) this.#turn({ ...this.#look, x: this.#look.x + now.x - before.x, y: this.#look.y + now.y - before.y });
  }

  /** @param {PointerEvent} event */
  #up(event) {
    const alone = this.#fingers.size === 1;
    if (!this.#fingers.delete(event.pointerId)) return;
    this.element.classList.remove("held");
    if (!alone) return;
    const now = this.#pointOf(event);
    if (!this.#moved) this.#clicked(now, event.timeStamp);
    else if (this.#begin.touch && this.#look.scale === 1) this.#swiped(now.x - this.#begin.x, now.y - this.#begin.y);
  }

  /**
   * @param {Point} point
   * @param {number} at
   */
  #clicked(point, at) {
    if (!this.#begin.onPicture) return this.#asked.left();
    const twice = at - this.#lastClick < TWICE;
    this.#lastClick = twice ? -Infinity : at;
    return twice && this.zoom(this.#look.scale > 1 ? 0 : DOUBLE, point);
  }

  /**
   * @param {number} across
   * @param {number} down
   */
  #swiped(across, down) {
    if (Math.abs(across) > Math.max(SWIPE, Math.abs(down))) this.#asked.aside(across < 0 ? 1 : -1);
    else if (down > SWIPE && down > Math.abs(across)) this.#asked.left();
  }
}

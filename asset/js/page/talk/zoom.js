// The arithmetic of a picture that is enlarged and moved: pure, in pixels from the middle of the window.

export const MOST = 8; // times its size in the window
const LEAST = 1;

/** @typedef {{ scale: number, x: number, y: number }} Look where a picture's middle is, and how large it is */
/** @typedef {{ x: number, y: number }} Point */
/** @typedef {{ width: number, height: number }} Size */

/** @type {Readonly<Look>} */
export const WHOLE = Object.freeze({ scale: 1, x: 0, y: 0 });

/**
 * Enlarged by `factor`, with what is at `point` staying there.
 * @param {Look} look
 * @param {number} factor
 * @param {Point} [point]
 * @returns {Look}
 */
export function zoomed({ scale, x, y }, factor, point = { x: 0, y: 0 }) {
  const next = Math.min(Math.max(scale * factor, LEAST), MOST);
  const by = next / scale;
  return { scale: next, x: point.x + (x - point.x) * by, y: point.y + (y - point.y) * by };
}

/**
 * Moved no further than to its own edge: what is smaller than the window stays in its middle.
 * @param {Look} look
 * @param {Size} picture its size at scale 1
 * @param {Size} view
 * @returns {Look}
 */
export function bounded({ scale, x, y }, picture, view) {
  const [across, down] = [Math.max(picture.width * scale - view.width, 0) / 2, Math.max(picture.height * scale - view.height, 0) / 2];
  return { scale, x: Math.min(Math.max(x, -across), across), y: Math.min(Math.max(y, -down), down) };
}

/**
 * What two fingers do that were at `before` and are at `now`.
 * @param {Look} look
 * @param {[Point, Point]} before
 * @param {[Point, Point]} now
 * @returns {Look}
 */
export function pinched(look, before, now) {
  const [from, to] = [middle(before), middle(now)];
  const factor = distance(now) / Math.max(distance(before), 1);
  return zoomed({ ...look, x: look.x + to.x - from.x, y: look.y + to.y - from.y }, factor, to);
}

/** @param {[Point, Point]} points */
const middle = ([a, b]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });

/** @param {[Point, Point]} points */
const distance = ([a, b]) => Math.hypot(a.x - b.x, a.y - b.y);

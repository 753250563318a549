// The arithmetic of plots and amounts, without anything that draws.

const NICE = [1, 2, 5, 10];
const DAY = 86_400_000; // ms
const SIZES = ["B", "kB", "MB", "GB", "TB", "PB"];

/** @typedef {{ top: number, step: number, ticks: number[] }} Scale of an axis that begins at 0 */

/**
 * The axis of values up to `most`: about four steps of 1, 2 or 5 times a power of ten. With `isWhole` no step is a part
 * of one.
 * @param {number} most
 * @param {boolean} [isWhole]
 * @returns {Scale}
 */
export function scaleTo(most, isWhole = false) {
  const wanted = Math.max(most, isWhole ? 4 : 1e-9) / 4;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = (NICE.find((nice) => nice * power >= wanted * (1 - 1e-9)) ?? 10) * power;
  const count = Math.max(1, Math.ceil(most / step - 1e-9));
  const ticks = Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(12)));
  return { top: ticks[count], step, ticks };
}

/**
 * Moments between `from` and `to` (ms) that are written below a plot: whole multiples of `step` ms of the local day.
 * @param {number} from
 * @param {number} to
 * @param {number} step
 */
export function momentsBetween(from, to, step) {
  const midnight = new Date(from).setHours(0, 0, 0, 0);
  const found = [];
  for (let at = midnight; at <= to && at < midnight + 3 * DAY; at += step) if (at >= from) found.push(at);
  return found;
}

/**
 * The path of a line through `values`, which is broken where there are none.
 * @param {(number | null)[]} values
 * @param {(at: number) => number} x of the position of a value
 * @param {(value: number) => number} y
 */
export function pathOf(values, x, y) {
  return values.map((value, at) => {
    if (value === null) return "";
    return `${at === 0 || values[at - 1] === null ? "M" : "L"}${round(x(at))} ${round(y(value))}`;
  }).join("");
}

/**
 * The positions that are marked by a dot: of values without one on either side, of which no line can be drawn, and of
 * the newest.
 * @param {(number | null)[]} values
 */
export function dotted(values) {
  const newest = values.findLastIndex((value) => value !== null);
  return values.flatMap((value, at) => {
    const isAlone = (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null;
    return value !== null && (isAlone || at === newest) ? [at] : [];
  });
}

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;

/**
 * At most `most` positions of a list of `length`, evenly spread, the last among them.
 * @param {number} length
 * @param {number} most
 */
export function spread(length, most) {
  const step = Math.max(1, Math.ceil(length / most));
  const found = [];
  for (let at = length - 1; at >= 0; at -= step) found.unshift(at);
  return found;
}

/**
 * The unit in which `size` bytes are best written, and how many bytes it has.
 * @param {number} size
 */
export function byteUnit(size) {
  let at = 0;
  let factor = 1;
  while (Math.abs(size) >= factor * 1000 && at < SIZES.length - 1) {
    at += 1;
    factor *= 1000;
  }
  return { unit: SIZES[at], factor };
}

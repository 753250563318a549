// Times as people write them, in the page's language.

import { language, t } from "./words.js";

const locale = language === "zh" ? "zh-CN" : "en";
/** @param {Intl.DateTimeFormatOptions} options */
const format = (options) => new Intl.DateTimeFormat(locale, options);
const CLOCK = format({ hour: "2-digit", minute: "2-digit", hour12: false });
const DAY = format({ month: "short", day: "numeric", weekday: "short" });
const OLD_DAY = format({ year: "numeric", month: "short", day: "numeric" });
const WEEKDAY = format({ weekday: "short" });
const SHORT = format({ month: "numeric", day: "numeric" });
const WHOLE = format({ dateStyle: "medium", timeStyle: "medium" });
const ONE_DAY = 86_400_000;

const LAST = 8_640_000_000_000_000; // ms; later there is no Date, and a format of it throws

/** @typedef {number | Date} Time in ms since 1970, or as a Date */

/**
 * `at` as a time that can be written; the first of all where it is none.
 * @param {Time} at
 */
const sane = (at) => {
  const ms = Number(at);
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), LAST) : 0;
};

/**
 * Midnight of its day, here.
 * @param {Time} at
 */
export const dayOf = (at) => new Date(sane(at)).setHours(0, 0, 0, 0);

/** @param {Time} at */
const daysAgo = (at) => Math.round((dayOf(Date.now()) - dayOf(at)) / ONE_DAY);

/** @type {(a: Time, b: Time) => boolean} */
export const sameDay = (a, b) => dayOf(a) === dayOf(b);

/** @type {(at: Time) => string} */
export const clock = (at) => CLOCK.format(sane(at));

/** @type {(at: Time) => string} */
export const whole = (at) => WHOLE.format(sane(at));

/**
 * For programs: "2026-07-01T12:00:00.000Z".
 * @param {Time} at
 */
export const stamp = (at) => new Date(sane(at)).toISOString();

/**
 * For the line between two days.
 * @param {Time} at
 */
export function dayName(at) {
  const ago = daysAgo(at);
  if (ago === 0) return t("time.today");
  if (ago === 1) return t("time.yesterday");
  return (ago < 300 ? DAY : OLD_DAY).format(sane(at));
}

/**
 * For a list: the time of today, else the day.
 * @param {Time} at
 */
export function when(at) {
  const ago = daysAgo(at);
  if (ago <= 0) return clock(at);
  if (ago === 1) return t("time.yesterday");
  return (ago < 7 ? WEEKDAY : SHORT).format(sane(at));
}

const LONGEST = 359_999; // seconds; who sends a voice says how long it is, which may be any number

/**
 * The length of a voice, in whole seconds, as far as it can be one.
 * @param {unknown} amount
 */
export const seconds = (amount) => Math.floor(Math.min(Math.max(Number(amount) || 0, 0), LONGEST));

/**
 * 75 → "1:15".
 * @param {unknown} amount
 */
export function duration(amount) {
  const length = seconds(amount);
  return `${Math.floor(length / 60)}:${String(length % 60).padStart(2, "0")}`;
}

// Times as people write them, in the page's language.

import { language, t } from "./words.js";

const locale = language === "zh" ? "zh-CN" : "en";
const format = (options) => new Intl.DateTimeFormat(locale, options);
const CLOCK = format({ hour: "2-digit", minute: "2-digit", hour12: false });
const DAY = format({ month: "short", day: "numeric", weekday: "short" });
const OLD_DAY = format({ year: "numeric", month: "short", day: "numeric" });
const WEEKDAY = format({ weekday: "short" });
const SHORT = format({ month: "numeric", day: "numeric" });
const WHOLE = format({ dateStyle: "medium", timeStyle: "medium" });
const ONE_DAY = 86_400_000;

const dayOf = (at) => new Date(at).setHours(0, 0, 0, 0);
const daysAgo = (at) => Math.round((dayOf(Date.now()) - dayOf(at)) / ONE_DAY);

export const sameDay = (a, b) => dayOf(a) === dayOf(b);
export const clock = (at) => CLOCK.format(at);
export const whole = (at) => WHOLE.format(at);

/** For the line between two days. */
export function dayName(at) {
  const ago = daysAgo(at);
  if (ago === 0) return t("time.today");
  if (ago === 1) return t("time.yesterday");
  return (ago < 300 ? DAY : OLD_DAY).format(at);
}

/** For a list: the time of today, else the day. */
export function when(at) {
  const ago = daysAgo(at);
  if (ago <= 0) return clock(at);
  if (ago === 1) return t("time.yesterday");
  return (ago < 7 ? WEEKDAY : SHORT).format(at);
}

/** 75 → "1:15". */
export const duration = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

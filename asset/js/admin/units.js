// Amounts as people write them, in the page's language.

import { language } from "../page/words.js";
import { byteUnit } from "./scale.js";

const locale = language === "zh" ? "zh-CN" : "en";
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 });

/** @param {number} count */
export const counted = (count) => whole.format(count);

/**
 * With three digits that count: 0.0123, 12.3, 1,230.
 * @param {number} value
 */
export const measured = (value) => (Math.abs(value) >= 1000 ? whole : precise).format(value);

/** @param {number} size in bytes */
export function bytes(size) {
  const { unit, factor } = byteUnit(size);
  return `${measured(size / factor)} ${unit}`;
}

import assert from "node:assert/strict";
import { test } from "node:test";

import { isQuiet } from "../../asset/js/page/telling/quiet.js";

/** @type {(time: string) => Date} */
const utc = (time) => new Date(`2026-01-02T${time}:00Z`);

test("quiet hours begin with their first minute and end before their last, also past midnight", () => {
  for (const [hours, time, expected] of [
    ["22:00-07:00", "21:59", false], ["22:00-07:00", "22:00", true], ["22:00-07:00", "00:00", true], ["22:00-07:00", "06:59", true],
    ["22:00-07:00", "07:00", false], ["12:30-13:30", "12:29", false], ["12:30-13:30", "12:30", true], ["12:30-13:30", "13:30", false],
    ["08:00-08:00", "08:00", false], ["", "03:00", false],
  ]) assert.equal(isQuiet(hours, "", utc(time)), expected, `${hours} ${time}`);
});

test("they are those of the user's time zone, and of UTC where that is unknown", () => {
  assert.equal(isQuiet("22:00-07:00", "Asia/Shanghai", utc("14:00")), true);
  assert.equal(isQuiet("22:00-07:00", "Asia/Shanghai", utc("23:00")), false);
  assert.equal(isQuiet("22:00-07:00", "Nowhere/City", utc("23:00")), true);
});

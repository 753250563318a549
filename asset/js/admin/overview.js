// How the node that answers has been over the last hour and day, and what waits for an administrator.

import { fill, h } from "../page/element.js";
import { BASE } from "../page/pages.js";
import { t } from "../page/words.js";
import { listed, told } from "./api.js";
import { attempt, problemLine } from "./attempt.js";
import { plot } from "./plot.js";
import { byteUnit } from "./scale.js";
import { bytes, counted, measured } from "./units.js";

/** @import { Account, Figures } from "./types.js" */
/** @import { Plotted } from "./plot.js" */

const EVERY = 10_000; // ms between looks
const SPANS = { hour: 3_600_000, day: 86_400_000 }; // ms
const WAITING = 100; // people that are counted

/**
 * @param {string} name
 * @param {string} value
 */
const tile = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

/**
 * @param {(number | null)[]} values
 * @returns {number | null} the newest that is known
 */
const newest = (values) => values.findLast((value) => value !== null) ?? null;

/**
 * @param {Pick<Plotted, "at" | "span">} when
 * @param {string} title
 * @param {(number | null)[]} values of bytes
 * @returns {Plotted}
 */
function sizes(when, title, values) {
  const { unit, factor } = byteUnit(Math.max(0, ...values.map(Number)));
  const scaled = values.map((value) => (value === null ? null : value / factor));
  return { ...when, title, unit, lines: [{ name: title, values: scaled }] };
}

/**
 * Everything that is plotted, in order. What was never measured is left out.
 * @param {Figures} found
 * @param {number} span of the time that is shown, in ms
 * @returns {Plotted[]}
 */
function plots(found, span) {
  const when = { at: found.at, span };
  const all = [
    { title: t("admin.plot.connections"), unit: t("admin.unit.connections"), ...when, isWhole: true,
      lines: [{ name: t("admin.plot.connections"), values: found.connections }] },
    { title: t("admin.plot.messages"), unit: t("admin.unit.per-second"), ...when,
      lines: [{ name: t("admin.plot.messages"), values: found.messages }] },
    { title: t("admin.plot.commits"), unit: t("admin.unit.ms"), ...when,
      lines: [{ name: t("admin.plot.mean"), values: found.commit }, { name: t("admin.plot.slow"), values: found.slow }] },
    sizes(when, t("admin.plot.database"), found.database),
    sizes(when, t("admin.plot.free"), found.free),
  ];
  return all.filter(({ lines }, number) => number < 3 || lines.some(({ values }) => newest(values) !== null));
}

/** @param {Element} place */
export function overview(place) {
  const problem = problemLine();
  const waiting = h("p.admin-notice", { hidden: true });
  const tiles = h("dl.admin-tiles");
  const drawn = Array.from({ length: 5 }, plot);
  /** @type {keyof typeof SPANS} */
  let over = "hour";

  async function look() {
    await attempt(problem, async () => {
      /** @type {Figures} */
      const found = await told("figures", { over });
      fill(tiles,
        tile(t("admin.now.connections"), counted(newest(found.connections) ?? 0)),
        tile(t("admin.now.messages"), measured(newest(found.messages) ?? 0)),
        tile(t("admin.now.commit"), found.commit.some((value) => value !== null) ? `${measured(newest(found.commit) ?? 0)} ms` : "–"),
        tile(t("admin.now.free"), newest(found.free) === null ? "–" : bytes(newest(found.free) ?? 0)));
      const shown = plots(found, SPANS[over]);
      drawn.forEach(({ element, show }, number) => {
        if (shown[number]) show(shown[number]);
        else element.hidden = true;
      });
    });
  }

  async function lookForWaiting() {
    await attempt(problem, async () => {
      /** @type {import("./types.js").Listed<Account>} */
      const found = await listed("users", { waiting: 1, limit: WAITING });
      const count = found.next ? `${found.rows.length}+` : String(found.rows.length);
      waiting.hidden = !found.rows.length;
      fill(waiting, t("admin.waiting-people", { count }), " ", h("a", { href: `${BASE}/admin/people.shtml?waiting=1` }, t("admin.look")));
    });
  }

  /** @type {(name: keyof typeof SPANS, words: string) => HTMLButtonElement} */
  const choice = (name, words) => h("button", { type: "button", "aria-pressed": String(name === over), onclick: () => {
    over = name;
    for (const other of choices.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other.dataset.over === name));
    look();
  }, dataset: { over: name } }, words);
  const choices = h("div.language", { role: "group", "aria-label": t("admin.over") });
  choices.append(choice("hour", t("admin.over.hour")), choice("day", t("admin.over.day")));
  fill(place, h("p.admin-lead", {}, t("admin.overview.lead")), waiting, problem, tiles, choices,
    h("div.admin-plots", {}, ...drawn.map(({ element }) => element)));
  look();
  lookForWaiting();
  setInterval(() => document.visibilityState === "visible" && look(), EVERY);
}

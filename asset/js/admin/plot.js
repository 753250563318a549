// A plot of what was measured over time, drawn as SVG for the width that it has, with the same values as a table.

import { fill, h } from "../page/element.js";
import { clock } from "../page/moment.js";
import { t } from "../page/words.js";
import { dotted, momentsBetween, pathOf, scaleTo, spread } from "./scale.js";
import { measured } from "./units.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 190;
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 10, 24, 24];
const ROWS = 12; // of the table
const NARROW = 480; // px
const MINUTE = 60_000; // ms

/** @typedef {{ name: string, values: (number | null)[] }} Line of a plot */

/**
 * `at` are the ends of the intervals (ms), and `span` is how much time is shown, up to the last of them (ms).
 * @typedef {{ title: string, unit: string, at: number[], span: number, lines: Line[], isWhole?: boolean }} Plotted
 */

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 */
function shape(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
}

/** @type {(plotted: Plotted) => (number | null)[]} */
const allOf = ({ lines }) => lines.flatMap(({ values }) => values);

/**
 * The last value of each line, and the highest: what a person would read off.
 * @param {Plotted} plotted
 */
function summary(plotted) {
  const parts = plotted.lines.map(({ name, values }) => {
    const known = /** @type {number[]} */ (values.filter((value) => value !== null));
    if (!known.length) return `${name}: ${t("admin.plot.nothing")}`;
    return t("admin.plot.summary", { name, last: measured(known[known.length - 1]), most: measured(Math.max(...known)), unit: plotted.unit });
  });
  return parts.join(" · ");
}

/**
 * @param {Plotted} plotted
 * @param {number} width
 */
function drawing(plotted, width) {
  const { at, lines, span, unit, title, isWhole = false } = plotted;
  const to = at[at.length - 1];
  const from = to - span;
  const known = /** @type {number[]} */ (allOf(plotted).filter((value) => value !== null));
  const scale = scaleTo(Math.max(0, ...known), isWhole);
  /** @param {number} moment */
  const x = (moment) => LEFT + ((moment - from) / (to - from)) * (width - LEFT - RIGHT);
  /** @param {number} value */
  const y = (value) => HEIGHT - BOTTOM - (value / scale.top) * (HEIGHT - TOP - BOTTOM);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": `${title}. ${summary(plotted)}` });
  svg.append(shape("text", { x: LEFT, y: 13, class: "plot-unit" }, unit));
  for (const tick of scale.ticks) {
    svg.append(shape("line", { x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick), class: tick ? "plot-grid" : "plot-axis" }),
      shape("text", { x: LEFT - 7, y: y(tick) + 4, class: "plot-value" }, measured(tick)));
  }
  for (const moment of momentsBetween(from, to, labelStep(span, width))) {
    svg.append(shape("line", { x1: x(moment), x2: x(moment), y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM + 4, class: "plot-axis" }),
      shape("text", { x: Math.min(x(moment), width - RIGHT - 14), y: HEIGHT - 5, class: "plot-time" }, clock(moment)));
  }
  lines.forEach(({ values }, number) => {
    svg.append(shape("path", { d: pathOf(values, (position) => x(at[position]), y), class: `plot-line plot-line-${number}` }));
    for (const position of dotted(values)) {
      svg.append(shape("circle", { cx: x(at[position]), cy: y(Number(values[position])), r: 2.5, class: `plot-dot plot-dot-${number}` }));
    }
  });
  return svg;
}

/**
 * How far the times below a plot are apart, in ms.
 * @param {number} length of what is shown, in ms
 * @param {number} width
 */
function labelStep(length, width) {
  const most = width < NARROW ? 4 : 7;
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360].map((minutes) => minutes * MINUTE);
  return steps.find((step) => length / step <= most) ?? steps[steps.length - 1];
}

/** @param {Plotted} plotted */
function table({ title, unit, at, lines }) {
  const rows = spread(at.length, ROWS).map((position) => h("tr", {}, h("th", { scope: "row" }, clock(at[position])),
    ...lines.map(({ values }) => h("td", {}, values[position] === null ? "–" : measured(Number(values[position]))))));
  return h("table.admin-table", {}, h("caption", {}, `${title} (${unit})`),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("admin.plot.time")), ...lines.map(({ name }) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, ...rows));
}

/** A plot, and `show`, which draws what was measured by now. */
export function plot() {
  const heading = h("h2");
  const legend = h("p.plot-legend");
  const place = h("div.plot-drawing");
  const values = h("div.admin-wide");
  const element = h("section.plot", { hidden: true }, heading, legend, place,
    h("details.plot-values", {}, h("summary", {}, t("admin.plot.table")), values));
  /** @type {Plotted | null} */
  let shown = null;

  function redraw() {
    if (!shown || !place.clientWidth) return;
    fill(place, shown.at.length ? drawing(shown, place.clientWidth) : h("p.nothing", {}, t("admin.plot.soon")));
  }
  new ResizeObserver(redraw).observe(place);

  /** @param {Plotted} plotted */
  const show = (plotted) => {
    shown = plotted;
    element.hidden = false;
    heading.textContent = plotted.title;
    fill(legend, ...plotted.lines.map(({ name }, number) => h(`span.plot-key.plot-key-${number}`, {}, name)));
    legend.hidden = plotted.lines.length < 2;
    fill(values, table(plotted));
    redraw();
  };
  return { element, show };
}

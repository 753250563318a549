// The rows of a table of nodes.

import { apart } from "./strangers.js";
import { language, t } from "./words.js";

/**
 * A node of the cluster. `age` and `silent`, how long it runs and since when nothing was heard of it, are in seconds.
 * `differs`, where it is told, has the settings that it was given and another node otherwise.
 * @typedef {{ node: string, address: string, version: string, age: number, silent: number, differs?: Record<string, string> }
 *   & Record<Column, number>} Node
 */

/** @typedef {typeof COLUMNS[number]} Column */
export const COLUMNS = /** @type {const} */ (["connections", "events_per_second", "bytes_per_second", "gaps", "asked", "lost"]);
const UNITS = /** @type {const} */ ([["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]]);
const number = new Intl.NumberFormat(language, { maximumFractionDigits: 3 });

/**
 * @param {string} text
 * @param {string} [name] of its class
 */
function cell(text, name = "") {
  const made = document.createElement("td");
  made.textContent = text;
  made.className = name;
  return made;
}

/**
 * Seconds as the two largest units that they have: "3 d 4 h", "12 s".
 * @param {number} seconds
 */
function duration(seconds) {
  const at = UNITS.findIndex(([, size]) => seconds >= size);
  if (at < 0) return t("operate.now");
  const parts = [];
  let left = seconds;
  for (const [unit, size] of UNITS.slice(at, at + 2)) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count) parts.push(new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "narrow" }).format(count));
  }
  return parts.join(" ");
}

/**
 * @param {Node} node
 * @param {number} at its position; the first is the one that answers
 */
export function row(node, at) {
  const made = document.createElement("tr");
  if (!at) made.className = "here";
  const where = cell(node.address || "?");
  const id = document.createElement("small");
  id.append(apart(node.node), at ? "" : ` · ${t("operate.this-one")}`);
  where.append(id);
  made.append(where, cell(node.version), cell(duration(node.age)), cell(duration(node.silent)));
  for (const name of COLUMNS) made.append(cell(number.format(node[name]), name === "lost" && node[name] ? "bad" : ""));
  return made;
}

/**
 * The settings that the node was given and another one otherwise.
 * @param {Node} node
 */
export function differing({ differs = {} }) {
  const told = Object.entries(differs).map(([name, value]) => `${name}: ${value}`).join(", ");
  return cell(told, told ? "bad" : "");
}

/**
 * A node of which something can't be written.
 * @param {Node} node
 */
export function plainRow(node) {
  const made = document.createElement("tr");
  made.append(cell(JSON.stringify(node)));
  return made;
}

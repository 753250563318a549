// The operator's page: every node as the one that answers sees it, again every few seconds.

import { OTHER_USER } from "../im/codes.js";
import { part } from "./element.js";
import { guarded } from "./guarded.js";
import { differing, plainRow, row } from "./node-rows.js";
import { BASE, LOGIN } from "./pages.js";
import { me, readAnewWhenRestored, showOtherUser } from "./whose.js";
import { language, reason, t } from "./words.js";

/** @import { Node } from "./node-rows.js" */
/** @typedef {{ code: number, msg: string, rows: Node[], figures?: Record<string, number> }} Answer */

const EVERY = 2_000; // ms between looks

const rows = part(".nodes tbody");
const figures = part(".figures");
const problem = part(".operate-problem");
const number = new Intl.NumberFormat(language, { maximumFractionDigits: 3 });

/**
 * @param {Node} node
 * @param {number} at
 */
function whole(node, at) {
  const made = row(node, at);
  made.append(differing(node));
  return made;
}

/** @param {[name: string, value: number]} named */
function figure([name, value]) {
  const made = document.createElement("div");
  const term = document.createElement("dt");
  const said = document.createElement("dd");
  term.textContent = name;
  said.textContent = number.format(value);
  made.append(term, said);
  return made;
}

async function look() {
  try {
    /** @type {Record<string, string>} */
    const headers = me ? { "Twim-User": String(me.id) } : {};
    const response = await fetch(`${BASE}/cluster`, { credentials: "same-origin", cache: "no-store", headers });
    /** @type {Answer} */
    const answer = await response.json();
    if (response.status === 401) return location.assign(LOGIN);
    if (answer.code === OTHER_USER) return showOtherUser();
    if (response.status === 403) return fail(t("operate.not-yours"));
    if (answer.code) throw Object.assign(new Error(answer.msg), { status: response.status });
    problem.hidden = true;
    rows.replaceChildren(...answer.rows.map((node, at) => guarded(() => whole(node, at), () => plainRow(node))));
    figures.replaceChildren(...Object.entries(answer.figures ?? {}).map(figure));
  } catch (error) {
    fail(reason(error instanceof TypeError ? { status: 0 } : error));
  }
  setTimeout(look, EVERY);
}

/** @param {string} text */
function fail(text) {
  problem.textContent = text;
  problem.hidden = false;
}

readAnewWhenRestored();
look();

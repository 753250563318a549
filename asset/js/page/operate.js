// The operator's page: every node as the one that answers sees it, again every few seconds.

import { language, reason, t } from "./words.js";

const EVERY = 2_000; // ms between looks
const COLUMNS = ["connections", "events_per_second", "bytes_per_second", "gaps", "asked", "lost"];

const rows = document.querySelector(".nodes tbody");
const figures = document.querySelector(".figures");
const problem = document.querySelector(".operate-problem");
const number = new Intl.NumberFormat(language, { maximumFractionDigits: 3 });

function cell(text, name = "") {
  const made = document.createElement("td");
  made.textContent = text;
  made.className = name;
  return made;
}

/** Seconds as the two largest units that they have: "3 d 4 h", "12 s". */
function duration(seconds) {
  const units = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];
  const at = units.findIndex(([, size]) => seconds >= size);
  if (at < 0) return t("operate.now");
  const parts = [];
  for (const [unit, size] of units.slice(at, at + 2)) {
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    if (count) parts.push(new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "narrow" }).format(count));
  }
  return parts.join(" ");
}

function row(node, at) {
  const made = document.createElement("tr");
  if (!at) made.className = "here";
  const where = cell(node.address || "?");
  const id = document.createElement("small");
  id.textContent = at ? node.node : `${node.node} · ${t("operate.this-one")}`;
  where.append(id);
  made.append(where, cell(node.version), cell(duration(node.age)), cell(duration(node.silent)));
  for (const name of COLUMNS) made.append(cell(number.format(node[name]), name === "lost" && node[name] ? "bad" : ""));
  return made;
}

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
    const response = await fetch("/cluster", { credentials: "same-origin", cache: "no-store" });
    const answer = await response.json();
    if (response.status === 401) return location.assign("/user/login.shtml");
    if (response.status === 403) return fail(t("operate.not-yours"));
    if (answer.code) throw Object.assign(new Error(answer.msg), { status: response.status });
    problem.hidden = true;
    rows.replaceChildren(...answer.rows.map(row));
    figures.replaceChildren(...Object.entries(answer.figures).map(figure));
  } catch (error) {
    fail(reason(error instanceof TypeError ? { status: 0 } : error));
  }
  setTimeout(look, EVERY);
}

function fail(text) {
  problem.textContent = text;
  problem.hidden = false;
}

look();

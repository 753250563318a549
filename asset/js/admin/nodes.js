// Every node as the one that answers sees it, and the settings that were given to nodes differently.

import { fill, h } from "../page/element.js";
import { guarded } from "../page/guarded.js";
import { COLUMNS, plainRow, row } from "../page/node-rows.js";
import { apart } from "../page/strangers.js";
import { t } from "../page/words.js";
import { listed } from "./api.js";
import { attempt, problemLine } from "./attempt.js";

/** @import { Node } from "../page/node-rows.js" */

const EVERY = 5_000; // ms between looks

/** @type {Record<typeof COLUMNS[number], () => string>} */
const HEADS = {
  connections: () => t("operate.connections"), events_per_second: () => t("operate.events"), bytes_per_second: () => t("operate.bytes"),
  gaps: () => t("operate.gaps"), asked: () => t("operate.asked"), lost: () => t("operate.lost"),
};

/** @param {Element} place */
export function nodes(place) {
  const problem = problemLine();
  const body = h("tbody");
  const differing = h("div");
  const heads = [t("operate.address"), t("operate.version"), t("operate.age"), t("operate.heard"), ...COLUMNS.map((name) => HEADS[name]())];
  const table = h("div.admin-wide", { tabindex: 0, role: "region", "aria-label": t("operate.nodes") }, h("table.nodes", {},
    h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))), body));
  const explained = h("dl.admin-explained", {}, ...explain(t("operate.gaps"), t("operate.gaps.why")),
    ...explain(t("operate.asked"), t("operate.asked.why")), ...explain(t("operate.lost"), t("operate.lost.why")));
  fill(place, h("p.admin-lead", {}, t("admin.nodes.lead")), problem, differing, table, explained);

  const look = () => attempt(problem, async () => {
    /** @type {import("./types.js").Listed<Node>} */
    const found = await listed("nodes");
    fill(body, ...found.rows.map((node, at) => guarded(() => row(node, at), () => plainRow(node))));
    fill(differing, differences(found.rows));
  });
  look();
  setInterval(() => document.visibilityState === "visible" && look(), EVERY);
}

/**
 * @param {string} term
 * @param {string} words
 */
const explain = (term, words) => [h("dt", {}, term), h("dd", {}, words)];

/** @param {Node[]} found */
function differences(found) {
  const lines = found.flatMap(({ address, node, differs = {} }) => Object.entries(differs).map(([name, value]) =>
    h("li", {}, apart(address || node), ": ", h("b", {}, name), " ", apart(value))));
  return lines.length > 0 && h("div.admin-notice", {}, h("p", {}, t("admin.nodes.differ")), h("ul", {}, ...lines));
}

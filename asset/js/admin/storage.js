// Whose files take how much.

import { fill, h } from "../page/element.js";
import { apart, readable } from "../page/strangers.js";
import { t } from "../page/words.js";
import { listed } from "./api.js";
import { attempt, problemLine } from "./attempt.js";
import { bytes, counted } from "./units.js";

/** @import { Listed, StorageLine } from "./types.js" */

const LONGEST = 200; // rows

/** @param {Element} place */
export function storage(place) {
  const problem = problemLine();
  const content = h("div");
  fill(place, h("p.admin-lead", {}, t("admin.storage.lead")), problem, content);
  attempt(problem, async () => {
    /** @type {Listed<StorageLine> & { files?: number, bytes?: number }} */
    const found = await listed("storage", { limit: LONGEST });
    const sum = found.bytes ?? found.rows.reduce((total, row) => total + row.bytes, 0);
    const files = found.files ?? found.rows.reduce((total, row) => total + row.files, 0);
    const total = h("dl.admin-tiles", {}, h("div", {}, h("dt", {}, t("admin.storage.all")), h("dd", {}, bytes(sum))),
      h("div", {}, h("dt", {}, t("admin.storage.files")), h("dd", {}, counted(files))));
    fill(content, total, found.rows.length ? table(found.rows, sum) : h("p.nothing", {}, t("admin.storage.none")));
  });
}

/**
 * @param {StorageLine[]} rows
 * @param {number} sum
 */
function table(rows, sum) {
  return h("div.admin-wide", { tabindex: 0, role: "region", "aria-label": t("admin.storage") }, h("table.admin-table", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("admin.storage.who")), h("th", { scope: "col" }, t("admin.storage.size")),
      h("th", { scope: "col" }, t("admin.storage.share")), h("th", { scope: "col" }, t("admin.storage.files")))),
    h("tbody", {}, ...rows.map((row) => h("tr", {}, h("th", { scope: "row" }, who(row)), h("td", {}, bytes(row.bytes)),
      h("td", {}, `${(sum ? (row.bytes / sum) * 100 : 0).toFixed(1)} %`), h("td", {}, counted(row.files)))))));
}

/** @param {StorageLine} row */
function who({ user, nickname }) {
  if (!user) return t("admin.storage.nobody");
  return [apart(readable(nickname, user)), h("small", {}, t("admin.number", { id: user }))];
}

// A list that is read page by page, and anew when what is searched for changes.

import { button } from "../page/button.js";
import { fill, h } from "../page/element.js";
import { t } from "../page/words.js";
import { listed } from "./api.js";
import { attempt, problemLine } from "./attempt.js";

/** @import { Listed } from "./types.js" */

/**
 * @template Row
 * @typedef {object} ListOptions
 * @property {string} path
 * @property {() => Record<string, string | number>} [query] what is searched for now
 * @property {(row: Row) => HTMLElement} draw
 * @property {string} empty what is said where there are no rows
 * @property {(list: Listed<Row>) => void} [loaded] is told what came
 */

/**
 * The list, and `reload`, which reads it from its beginning.
 * @template Row
 * @param {ListOptions<Row>} options
 */
export function pagedList({ path, query = () => ({}), draw, empty, loaded = () => {} }) {
  const rows = h("ul.list.admin-list");
  const problem = problemLine();
  const more = button(t("admin.more"), () => read(false));
  const element = h("div.admin-paged", { "aria-live": "polite" }, problem, rows, h("div.admin-more", {}, more));
  let next = 0;
  let asked = 0;
  more.hidden = true;

  /** @param {boolean} fresh */
  async function read(fresh) {
    asked += 1;
    const this_ = asked;
    await attempt(problem, async () => {
      /** @type {Listed<Row>} */
      const found = await listed(path, { ...query(), before: fresh ? 0 : next });
      if (this_ !== asked) return; // something else is searched for by now
      if (fresh) fill(rows);
      rows.append(...found.rows.map(draw));
      if (!rows.children.length) rows.append(h("li.nothing", {}, empty));
      next = found.next ?? 0;
      more.hidden = !next;
      loaded(found);
    });
  }

  const reload = () => read(true);
  return { element, reload };
}

const PAUSE = 250; // ms without a key after which is searched

/**
 * Where one types what is searched for; `changed` is called shortly after.
 * @param {string} label
 * @param {() => unknown} changed
 */
export function searchField(label, changed) {
  const input = h("input", { type: "search", placeholder: label, "aria-label": label, autocomplete: "off", maxlength: 100 });
  input.value = new URLSearchParams(location.search).get("q") ?? "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(changed, PAUSE);
  });
  return input;
}

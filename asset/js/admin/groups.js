// Groups: searched, taken over, dissolved.

import { groupAvatar } from "../page/avatar.js";
import { button } from "../page/button.js";
import { confirmed, openDialog } from "../page/dialog.js";
import { fill, h } from "../page/element.js";
import { whole } from "../page/moment.js";
import { apart, isolated, phrase, readable } from "../page/strangers.js";
import { t } from "../page/words.js";
import { act, told } from "./api.js";
import { typedBefore } from "./asking.js";
import { attempt, problemLine } from "./attempt.js";
import { pagedList, searchField } from "./paged-list.js";
import { counted } from "./units.js";

/** @import { GroupLine } from "./types.js" */

/** @type {Record<string, () => string>} */
const JOIN = {
  open: () => t("admin.value.group.open"), approve: () => t("admin.value.group.approve"), invite: () => t("admin.value.group.invite"),
};

/** @param {GroupLine} group */
const nameOf = (group) => readable(group.name, group.id);

/** @param {GroupLine} group */
const picture = (group) => ({ id: group.id, name: nameOf(group), icon: group.icon ?? "" });

/** @param {GroupLine} group */
const tags = (group) => [Boolean(group.dissolved) && h("small.tag.admin-tag-bad", {}, t("admin.group.dissolved"))];

/** @param {GroupLine} group */
function facts(group) {
  const owner = group.owner ? [t("admin.group.owner"), " ", apart(readable(group.ownername, group.owner))] : [t("admin.group.no-owner")];
  return [t("admin.number", { id: group.id }), " · ", ...owner, " · ",
    t("admin.group.members", { count: counted(group.members ?? 0) }), " · ", t("admin.group.messages", { count: counted(group.messages ?? 0) })];
}

/** @param {Element} place */
export function groups(place) {
  const search = searchField(t("admin.groups.search"), () => list.reload());
  const list = pagedList({ path: "groups", query: () => ({ q: search.value.trim() }), draw: line, empty: t("admin.groups.none") });
  fill(place, h("div.admin-tools", {}, search), list.element);
  list.reload();
}

/**
 * One group of the list; it draws itself anew after each act.
 * @param {GroupLine} group
 */
function line(group) {
  let now = group;
  const row = h("li.row");
  const manage = button(t("admin.manage"), () => card(now, draw)); // the same one, to which the focus comes back

  /** @param {GroupLine} fresh */
  function draw(fresh) {
    now = fresh;
    manage.setAttribute("aria-label", t("admin.manage-whom", { who: isolated(nameOf(now)) }));
    fill(row, groupAvatar(picture(now)), h("span.row-words", {}, h("span.admin-name", {}, h("b", {}, apart(nameOf(now))), ...tags(now)),
      h("span.row-last", {}, ...facts(now))), h("span.admin-acts", {}, manage));
  }
  draw(group);
  return row;
}

/**
 * What can be done with a group.
 * @param {GroupLine} group
 * @param {(group: GroupLine) => void} changed
 */
function card(group, changed) {
  const content = h("div.admin-card");
  const problem = problemLine();
  const path = `groups/${group.id}`;
  openDialog(nameOf(group), content);
  /** @param {GroupLine} now */
  const draw = (now) => {
    const rule = JOIN[now.join]?.() ?? now.join;
    fill(content, h("div.me-card", {}, groupAvatar(picture(now), "large"), h("p.admin-name", {}, ...tags(now)), h("small", {}, ...facts(now)),
      h("small", {}, t("admin.group.join", { rule })), h("small", {}, t("admin.group.since", { when: whole(now.createat) }))),
    problem, !now.dissolved && h("div.menu.admin-menu", {}, button(t("admin.group.takeover"), takeOver), button(t("admin.group.dissolve"), dissolve, ".bad")));
  };
  const reread = async () => {
    const now = { ...group, ...await told(path) };
    changed(now);
    draw(now);
  };
  const takeOver = async () => {
    if (!(await confirmed(phrase(t("admin.group.takeover-question"), { name: nameOf(group) }), t("admin.group.takeover")))) return;
    await attempt(problem, async () => { await act(`${path}/takeover`); await reread(); });
  };
  const dissolve = () => typedBefore({
    title: phrase(t("admin.group.dissolve-question"), { name: nameOf(group) }), why: t("admin.group.dissolve-why"),
    word: String(group.id), yes: t("admin.group.dissolve"), call: async () => { await act(`${path}/dissolve`); await reread(); } });
  draw(group);
}

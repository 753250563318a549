// People: searched, approved, disabled, made administrators, helped with a lost password, erased.

import { userAvatar } from "../page/avatar.js";
import { button } from "../page/button.js";
import { confirmed, openDialog } from "../page/dialog.js";
import { fill, h } from "../page/element.js";
import { whole } from "../page/moment.js";
import { SERVER } from "../page/pages.js";
import { apart, isolated, phrase, readable } from "../page/strangers.js";
import { t } from "../page/words.js";
import { me } from "../page/whose.js";
import { act, told } from "./api.js";
import { showOnce, typedBefore } from "./asking.js";
import { attempt, problemLine } from "./attempt.js";
import { pagedList, searchField } from "./paged-list.js";

/** @import { Account } from "./types.js" */
/** @import { Part } from "../page/strangers.js" */
/** @typedef {{ changed: (user: Account) => void, gone: () => void }} Follows what is done when a user changed, or is erased */

/** @param {Account} user */
const nameOf = (user) => readable(user.nickname, user.id);

/** @param {Account} user */
function tags(user) {
  return [user.role === "admin" && h("small.tag", {}, t("admin.person.admin")),
    Boolean(user.waiting) && h("small.tag.admin-tag-warn", {}, t("admin.person.waits")),
    Boolean(user.disabled) && h("small.tag.admin-tag-bad", {}, t("admin.person.disabled"))];
}

/** @param {Account} user */
function facts(user) {
  const last = user.last ? t("admin.person.last", { when: whole(user.last) }) : t("admin.person.never");
  return [t("admin.number", { id: user.id }), user.mobile ?? "", last].filter(Boolean).join(" · ");
}

/** @param {Element} place */
export function people(place) {
  const search = searchField(t("admin.people.search"), () => list.reload());
  const only = h("input", { type: "checkbox" });
  only.checked = new URLSearchParams(location.search).has("waiting");
  const query = () => ({ q: search.value.trim(), waiting: Number(only.checked) });
  const list = pagedList({ path: "users", query, draw: line, empty: t("admin.people.none") });
  only.addEventListener("change", list.reload);
  fill(place, h("div.admin-tools", {}, search, h("label.admin-check", {}, only, t("admin.people.waiting"))), list.element);
  list.reload();
}

/**
 * One user of the list; it draws itself anew after each act.
 * @param {Account} user
 */
function line(user) {
  let now = user;
  const row = h("li.row");
  const problem = problemLine();
  const follows = { changed: draw, gone: () => row.remove() };
  const manage = button(t("admin.manage"), () => card(now, follows)); // the same one, to which the focus comes back
  const approve = () => attempt(problem, async () => draw(await act(`users/${now.id}`, { approved: 1 }, "PATCH")));

  /** @param {Account} fresh */
  function draw(fresh) {
    now = fresh;
    manage.setAttribute("aria-label", t("admin.manage-whom", { who: isolated(nameOf(now)) }));
    fill(row, userAvatar(now), h("span.row-words", {}, h("span.admin-name", {}, h("b", {}, apart(nameOf(now))), ...tags(now)),
      h("span.row-last", {}, facts(now)), problem),
    h("span.admin-acts", {}, Boolean(now.waiting) && button(t("admin.person.approve"), approve, ".primary"), manage));
  }
  draw(user);
  return row;
}

/**
 * What can be done with a user.
 * @param {Account} user
 * @param {Follows} follows
 */
function card(user, { changed, gone }) {
  const content = h("div.admin-card");
  const box = openDialog(nameOf(user), content);
  /** @param {Account} now */
  const draw = (now) => {
    fill(content, h("div.me-card", {}, userAvatar(now, "large"), h("p.admin-name", {}, ...tags(now)), h("small", {}, facts(now)),
      h("small", {}, t("admin.person.devices", { count: now.devices ?? 0 })),
      h("small", {}, t("admin.person.since", { when: whole(now.createat) }))), ...acts(now, { changed: (fresh) => { changed(fresh); draw(fresh); }, gone: () => { box.close(); gone(); } }));
  };
  draw(user);
}

/**
 * @param {Account} user
 * @param {Follows} follows
 */
function acts(user, { changed: draw, gone }) {
  const problem = problemLine();
  const path = `users/${user.id}`;
  const who = { who: nameOf(user) };
  const isMe = user.id === me?.id;
  /** @type {(fields: Record<string, string | number>, question?: Part[], yes?: string) => () => Promise<void>} */
  const change = (fields, question, yes = "") => async () => {
    if (question && !(await confirmed(question, yes))) return;
    await attempt(problem, async () => draw(await act(path, fields, "PATCH")));
  };
  const reset = async () => {
    if (!(await confirmed(phrase(t("admin.person.reset-question"), who), t("admin.person.reset")))) return;
    await attempt(problem, async () => {
      const { url } = await act(`${path}/reset`);
      showOnce(t("admin.person.reset-link"), SERVER + url, t("admin.person.reset-why"));
    });
  };
  const sessions = async () => {
    if (!(await confirmed(phrase(t("admin.person.sessions-question"), who), t("admin.person.sessions")))) return;
    await attempt(problem, async () => {
      await act(`${path}/sessions`);
      draw(await told(path));
    });
  };
  const erase = () => typedBefore({
    title: phrase(t("admin.person.erase-question"), who), why: t("admin.person.erase-why"), word: String(user.id),
    yes: t("admin.person.erase"), call: async () => {
      await act(`${path}/erase`);
      gone();
    } });
  const admin = user.role === "admin";
  return [isMe && h("p.admin-warning", {}, t("admin.person.you")), problem, h("div.menu.admin-menu", {},
    Boolean(user.waiting) && button(t("admin.person.approve"), change({ approved: 1 }), ".primary"),
    user.disabled
      ? button(t("admin.person.enable"), change({ disabled: 0 }))
      : button(t("admin.person.disable"), change({ disabled: 1 }, phrase(t("admin.person.disable-question"), who), t("admin.person.disable"))),
    admin
      ? button(t("admin.person.demote"), change({ role: "member" }, phrase(t("admin.person.demote-question"), who), t("admin.person.demote")))
      : button(t("admin.person.promote"), change({ role: "admin" }, phrase(t("admin.person.promote-question"), who), t("admin.person.promote"))),
    button(t("admin.person.reset"), reset), button(t("admin.person.sessions"), sessions),
    button(t("admin.person.erase"), erase, ".bad"))];
}

// API keys: made, shown once, revoked.

import { button } from "../page/button.js";
import { confirmed, field, form, openDialog } from "../page/dialog.js";
import { fill, h } from "../page/element.js";
import { whole } from "../page/moment.js";
import { apart, phrase, readable } from "../page/strangers.js";
import { t } from "../page/words.js";
import { act } from "./api.js";
import { showOnce } from "./asking.js";
import { attempt, problemLine } from "./attempt.js";
import { pagedList } from "./paged-list.js";

/** @import { KeyLine } from "./types.js" */

const USUAL = ["users", "groups", "messages", "webhooks", "read"];
const ADMIN = "admin";

/** @type {Record<string, () => string>} */
const SCOPES = {
  users: () => t("admin.scope.users"), groups: () => t("admin.scope.groups"), messages: () => t("admin.scope.messages"),
  webhooks: () => t("admin.scope.webhooks"), read: () => t("admin.scope.read"), admin: () => t("admin.scope.admin"),
};

/** @param {Element} place */
export function keys(place) {
  const list = pagedList({ path: "keys", draw: line, empty: t("admin.keys.none") });
  fill(place, h("p.admin-lead", {}, t("admin.keys.lead")),
    h("div.admin-tools", {}, button(t("admin.keys.new"), () => make(list.reload), ".primary")), list.element);
  list.reload();
}

/** @param {KeyLine} key */
function line(key) {
  const problem = problemLine();
  const scopes = typeof key.scopes === "string" ? key.scopes.split(",") : key.scopes ?? [];
  const facts = [t("admin.number", { id: key.id }), key.createat ? whole(key.createat) : "",
    key.last ? t("admin.keys.last", { when: whole(key.last) }) : ""].filter(Boolean).join(" · ");
  const revoke = async () => {
    const question = phrase(t("admin.keys.revoke-question"), { name: readable(key.name, key.id) });
    if (!(await confirmed(question, t("admin.keys.revoke")))) return;
    if (await attempt(problem, () => act(`keys/${key.id}/revoke`))) row.remove();
  };
  const end = button(t("admin.keys.revoke"), revoke);
  end.setAttribute("aria-label", t("admin.keys.revoke-which", { id: key.id }));
  const row = h("li.row", {}, h("span.row-words", {}, h("span.admin-name", {}, h("b", {}, apart(readable(key.name, key.id))),
    ...scopes.map((scope) => h(`small.tag${scope === ADMIN ? ".admin-tag-warn" : ""}`, {}, SCOPES[scope]?.() ?? scope))),
  h("span.row-last", {}, facts), problem), h("span.admin-acts", {}, end));
  return row;
}

/** @param {() => unknown} made */
function make(made) {
  /** @param {string} scope */
  const choice = (scope) => h("label", {}, h("input", { type: "checkbox", value: scope, checked: USUAL.includes(scope) }), " ", SCOPES[scope]());
  const scopes = h("fieldset.choice.admin-scopes", {}, h("legend", {}, t("admin.keys.scopes")), ...Object.keys(SCOPES).map(choice));
  const fields = [field(t("admin.keys.name"), { name: "name", required: true, most: 40, autocomplete: "off" }), scopes,
    h("small", {}, t("admin.keys.admin-why"))];
  /** @param {Record<string, string>} asked */
  const submitted = async ({ name }) => {
    const chosen = [...scopes.querySelectorAll("input")].filter((box_) => box_.checked).map((box_) => box_.value);
    if (!chosen.length) throw new Error(t("admin.keys.no-scope"));
    const { key } = await act("keys", { name, scopes: chosen.join(",") });
    box.close();
    made();
    showOnce(t("admin.keys.key"), key, t("admin.keys.key-why"));
  };
  const box = openDialog(t("admin.keys.new"), form({ fields, submit: t("admin.make"), submitted }));
}

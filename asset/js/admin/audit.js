// The audit log: who did what, and when. It names everybody by number only.

import { fill, h } from "../page/element.js";
import { stamp, whole } from "../page/moment.js";
import { isolated } from "../page/strangers.js";
import { t } from "../page/words.js";
import { pagedList } from "./paged-list.js";

/** @import { AuditLine } from "./types.js" */

/** @type {Record<string, () => string>} */
const ACTS = {
  "user.approve": () => t("admin.act.user.approve"), "user.disable": () => t("admin.act.user.disable"),
  "user.enable": () => t("admin.act.user.enable"), "user.role": () => t("admin.act.user.role"),
  "user.reset": () => t("admin.act.user.reset"), "user.sessions": () => t("admin.act.user.sessions"),
  "user.erase": () => t("admin.act.user.erase"), "user.export": () => t("admin.act.user.export"),
  "group.takeover": () => t("admin.act.group.takeover"), "group.dissolve": () => t("admin.act.group.dissolve"),
  purge: () => t("admin.act.purge"), export: () => t("admin.act.export"),
  "invite.create": () => t("admin.act.invite.create"), "invite.revoke": () => t("admin.act.invite.revoke"),
  "key.create": () => t("admin.act.key.create"), "key.revoke": () => t("admin.act.key.revoke"),
  "setting.set": () => t("admin.act.setting.set"),
};

/** @param {Element} place */
export function audit(place) {
  const list = pagedList({ path: "audit", draw: line, empty: t("admin.audit.none") });
  fill(place, h("p.admin-lead", {}, t("admin.audit.lead")), list.element);
  list.reload();
}

/** @param {AuditLine} one */
function line({ at, who, act, what }) {
  return h("li.row", {}, h("span.row-words", {}, h("b", {}, ACTS[act]?.() ?? act), h("span.row-last", {}, details(what))),
    h("span.admin-when", {}, h("time", { datetime: stamp(at) }, whole(at)), h("small", {}, actor(who))));
}

/**
 * "id:7", "command:root" or "key:3" in words.
 * @param {string} who
 */
function actor(who) {
  const [kind, ...rest] = String(who).split(":");
  const name = isolated(rest.join(":"));
  if (kind === "id") return t("admin.audit.user", { id: name });
  if (kind === "command") return t("admin.audit.command", { name });
  return kind === "key" ? t("admin.audit.key", { id: name }) : isolated(who);
}

/**
 * "user 7 · role admin": what an act was told.
 * @param {Record<string, unknown>} what
 */
const details = (what) => Object.entries(what ?? {}).filter(([, value]) => value !== "").map(([name, value]) =>
  `${NAMES[name]?.() ?? name} ${isolated(typeof value === "object" ? JSON.stringify(value) : value)}`).join(" · ");

/** @type {Record<string, () => string>} */
const NAMES = {
  user: () => t("admin.what.user"), group: () => t("admin.what.group"), role: () => t("admin.what.role"), days: () => t("admin.what.days"),
  id: () => t("admin.what.id"), for: () => t("admin.what.for"), uses: () => t("admin.what.uses"), name: () => t("admin.what.name"),
  value: () => t("admin.what.value"), scopes: () => t("admin.what.scopes"), ended: () => t("admin.what.ended"),
  messages: () => t("admin.what.messages"), files: () => t("admin.what.files"), bytes: () => t("admin.what.bytes"),
};

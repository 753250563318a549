// The settings that may change while the server runs.

import { button } from "../page/button.js";
import { fill, h } from "../page/element.js";
import { t } from "../page/words.js";
import { act, listed } from "./api.js";
import { attempt, problemLine } from "./attempt.js";

/** @import { Setting } from "./types.js" */

/**
 * `values` are those that can be chosen; one without is typed.
 * @typedef {{ words: () => string, why: () => string, values?: Record<string, () => string>, type?: string }} Known
 */

/** @type {Record<string, Known>} */
const KNOWN = {
  name: { words: () => t("admin.setting.name"), why: () => t("admin.setting.name.why") },
  signup: { words: () => t("admin.setting.signup"), why: () => t("admin.setting.signup.why"), values: {
    open: () => t("admin.value.signup.open"), invite: () => t("admin.value.signup.invite"),
    approve: () => t("admin.value.signup.approve"), off: () => t("admin.value.signup.off") } },
  group_invites: { words: () => t("admin.setting.group_invites"), why: () => t("admin.setting.group_invites.why"), values: {
    admins: () => t("admin.value.group_invites.admins"), members: () => t("admin.value.group_invites.members") } },
  friend: { words: () => t("admin.setting.friend"), why: () => t("admin.setting.friend.why"), values: {
    open: () => t("admin.value.friend.open"), approve: () => t("admin.value.friend.approve") } },
  group: { words: () => t("admin.setting.group"), why: () => t("admin.setting.group.why"), values: {
    open: () => t("admin.value.group.open"), approve: () => t("admin.value.group.approve"), invite: () => t("admin.value.group.invite") } },
  find: { words: () => t("admin.setting.find"), why: () => t("admin.setting.find.why"), values: {
    mobile: () => t("admin.value.find.mobile"), id: () => t("admin.value.find.id") } },
  upload_limit: { words: () => t("admin.setting.upload_limit"), why: () => t("admin.setting.upload_limit.why"), type: "number" },
};

/** @param {Element} place */
export function settings(place) {
  const problem = problemLine();
  const list = h("div.admin-settings");
  fill(place, h("p.admin-lead", {}, t("admin.settings.lead")), problem, list);
  attempt(problem, async () => {
    /** @type {import("./types.js").Listed<Setting>} */
    const { rows } = await listed("settings");
    const order = Object.keys(KNOWN);
    fill(list, ...rows.toSorted((one, other) => order.indexOf(one.name) - order.indexOf(other.name)).map(line));
  });
}

/**
 * One setting, which is saved alone; what goes wrong is told in it.
 * @param {Setting} setting
 */
function line({ name, value, fixed }) {
  /** @type {Known} */
  const known = KNOWN[name] ?? { words: () => name, why: () => "" };
  const input = control(name, value, known, Boolean(fixed));
  const problem = problemLine();
  const saved = h("span.admin-saved", { role: "status" });
  const save = button(t("action.save"), () => null);
  save.setAttribute("type", "submit");
  save.hidden = true;
  let kept = value;
  const look = () => {
    save.hidden = input.value === kept;
    saved.textContent = "";
  };
  input.addEventListener("input", look);
  input.addEventListener("change", look);
  const form = h("form.form.admin-setting", {}, h("label", {}, known.words(), h("small", {}, known.why()), input),
    fixed ? h("p.admin-fixed", {}, t("admin.settings.fixed", { option: `--${name.replace("_", "-")}` })) : null,
    problem, h("div.admin-save", {}, save, saved));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    save.disabled = true;
    const fresh = input.value.trim();
    if (await attempt(problem, () => act("settings", { [name]: fresh }, "PATCH"))) {
      kept = input.value;
      look();
      saved.textContent = t("admin.saved");
    }
    save.disabled = false;
  });
  return form;
}

/**
 * @param {string} name
 * @param {string} value
 * @param {Known} known
 * @param {boolean} disabled
 */
function control(name, value, { values, type = "text" }, disabled) {
  if (!values) {
    const bounds = type === "number" ? { min: 1, step: 1 } : { maxlength: 200 };
    return h("input", { name, type, value, disabled, required: true, autocomplete: "off", ...bounds });
  }
  const options = Object.entries(values).map(([one, words]) => h("option", { value: one, selected: one === value }, words()));
  return h("select", { name, disabled }, ...options);
}

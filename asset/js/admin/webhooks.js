// Webhooks: where events are sent, and what keeps them from arriving. Programs make them, by the API.

import { button } from "../page/button.js";
import { confirmed } from "../page/dialog.js";
import { fill, h } from "../page/element.js";
import { whole } from "../page/moment.js";
import { apart, phrase } from "../page/strangers.js";
import { t } from "../page/words.js";
import { act } from "./api.js";
import { attempt, problemLine } from "./attempt.js";
import { pagedList } from "./paged-list.js";

/** @import { WebhookLine } from "./types.js" */

/** @type {Record<string, () => string>} */
const STATES = {
  ok: () => t("admin.webhooks.ok"), failing: () => t("admin.webhooks.failing"), failed: () => t("admin.webhooks.failed"),
};

/** @param {Element} place */
export function webhooks(place) {
  /** @type {(hook: WebhookLine) => HTMLElement} */
  const draw = (hook) => line(hook, () => list.reload());
  const list = pagedList({ path: "webhooks", draw, empty: t("admin.webhooks.none") });
  fill(place, h("p.admin-lead", {}, t("admin.webhooks.lead")), list.element);
  list.reload();
}

/**
 * @param {WebhookLine} hook
 * @param {() => unknown} reload
 */
function line(hook, reload) {
  const problem = problemLine();
  const isWell = hook.state === "ok";
  const facts = [t("admin.number", { id: hook.id }), hook.events.join(", "), hook.group ? t("admin.invites.group", { id: hook.group }) : "",
    whole(hook.createat)].filter(Boolean).join(" · ");
  const waits = [hook.waiting ? t("admin.webhooks.waiting", { count: hook.waiting }) : "",
    hook.since ? t("admin.webhooks.since", { when: whole(hook.since) }) : "", hook.failure].filter(Boolean).join(" · ");
  const remove = async () => {
    const question = phrase(t("admin.webhooks.delete-question"), { url: apart(hook.url) });
    if (!(await confirmed(question, t("admin.webhooks.delete")))) return;
    if (await attempt(problem, () => act(`webhooks/${hook.id}/delete`))) row.remove();
  };
  const retry = button(t("admin.webhooks.retry"), () => attempt(problem, () => act(`webhooks/${hook.id}/retry`)).then(reload));
  retry.setAttribute("aria-label", t("admin.webhooks.retry-which", { id: hook.id }));
  const end = button(t("admin.webhooks.delete"), remove);
  end.setAttribute("aria-label", t("admin.webhooks.delete-which", { id: hook.id }));
  const row = h("li.row", {}, h("span.row-words", {}, h("span.admin-name", {}, h("b", {}, apart(hook.url)),
    h(`small.tag${isWell ? "" : ".admin-tag-warn"}`, {}, STATES[hook.state]?.() ?? hook.state)),
  h("span.row-last", {}, facts), waits ? h("span.row-last", {}, waits) : "", problem),
  h("span.admin-acts", {}, isWell ? "" : retry, end));
  return row;
}

// What is said of a search beside what it has found.

import { button } from "../button.js";
import { reason, t } from "../words.js";

/** @import { MessageSearch } from "./message-search.js" */

/**
 * What there is to say of a search: it is under way, waits, has failed, or has found nothing.
 * @param {Pick<MessageSearch, "status" | "rows" | "wait" | "error">} search
 */
export function noteOf({ status, rows, wait, error }) {
  if (status === "asking") return t("find.asking");
  if (status === "paused") return t("find.paused", { seconds: Math.ceil(wait / 1000) });
  if (status === "failed") return `${t("find.failed")} ${reason(error)}`;
  return status === "found" && !rows.length ? t("find.nothing") : "";
}

/**
 * A button that reads on, or tries again after a failure; null where there is nothing to press.
 * @param {MessageSearch} search
 */
export function onward(search) {
  if (search.status === "failed") return button(t("action.retry"), () => search.again());
  return search.more && search.rows.length ? button(t("find.more"), () => search.readOn()) : null;
}

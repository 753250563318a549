// Deleting what is older than so many days.

import { field, form } from "../page/dialog.js";
import { fill, h } from "../page/element.js";
import { t } from "../page/words.js";
import { act } from "./api.js";
import { typedBefore } from "./asking.js";
import { bytes, counted } from "./units.js";

/** @param {Element} place */
export function retention(place) {
  const outcome = h("p.admin-notice", { role: "status", hidden: true });
  const fields = [field(t("admin.retention.days"), { name: "days", type: "number", min: 1, max: 36500, required: true }),
    field(t("admin.retention.group"), { name: "group", inputmode: "numeric", pattern: "[1-9][0-9]{0,15}", autocomplete: "off" })];
  /** @param {Record<string, string>} asked */
  const submitted = async ({ days, group }) => {
    outcome.hidden = true;
    const title = group ? t("admin.retention.question-group", { days, id: group }) : t("admin.retention.question", { days });
    typedBefore({ title: [title], why: t("admin.retention.why"), word: days, yes: t("admin.retention.delete"), call: async () => {
      const done = await act("purge", group ? { days, group } : { days });
      outcome.textContent = t("admin.retention.done",
        { messages: counted(done.messages ?? 0), files: counted(done.files ?? 0), size: bytes(done.bytes ?? 0) });
      outcome.hidden = false;
    } });
  };
  fill(place, h("p.admin-lead", {}, t("admin.retention.lead")), outcome,
    h("div.admin-box", {}, form({ fields, submit: t("admin.retention.submit"), submitted })));
}

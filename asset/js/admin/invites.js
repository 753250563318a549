// All invitations, to the server and to groups: made and revoked.

import { button } from "../page/button.js";
import { confirmed, field, form, openDialog } from "../page/dialog.js";
import { fill, h } from "../page/element.js";
import { whole } from "../page/moment.js";
import { SERVER } from "../page/pages.js";
import { t } from "../page/words.js";
import { act } from "./api.js";
import { showOnce } from "./asking.js";
import { attempt, problemLine } from "./attempt.js";
import { pagedList } from "./paged-list.js";

/** @import { InviteLine } from "./types.js" */

const FOR_SERVER = "server";

/** @param {Element} place */
export function invites(place) {
  const list = pagedList({ path: "invites", draw: line, empty: t("admin.invites.none") });
  fill(place, h("p.admin-lead", {}, t("admin.invites.lead")),
    h("div.admin-tools", {}, button(t("admin.invites.new"), () => make(list.reload), ".primary")), list.element);
  list.reload();
}

/** @param {InviteLine} invite */
function line(invite) {
  const problem = problemLine();
  const what = String(invite.for) === FOR_SERVER ? t("admin.invites.server") : t("admin.invites.group", { id: invite.for });
  const facts = [t("admin.invites.left", { left: invite.left, uses: invite.uses }), t("admin.invites.until", { when: whole(invite.expires) }),
    t("admin.invites.maker", { id: invite.maker })].join(" · ");
  const revoke = async () => {
    if (!(await confirmed(t("admin.invites.revoke-question"), t("admin.invites.revoke")))) return;
    if (await attempt(problem, () => act(`invites/${invite.id}/revoke`))) row.remove();
  };
  const button_ = button(t("admin.invites.revoke"), revoke);
  button_.setAttribute("aria-label", t("admin.invites.revoke-which", { what, id: invite.id }));
  const row = h("li.row", {}, h("span.row-words", {}, h("b", {}, what), h("span.row-last", {}, facts), problem),
    h("span.admin-acts", {}, button_));
  return row;
}

/** @param {() => unknown} made */
function make(made) {
  const group = field(t("admin.invites.for-group"), { name: "group", inputmode: "numeric", pattern: "[1-9][0-9]{0,15}", autocomplete: "off" });
  const fields = [h("p", {}, t("admin.invites.for-why")), group,
    field(t("admin.invites.uses"), { name: "uses", type: "number", min: 1, max: 1000, value: 100, required: true }),
    field(t("admin.invites.days"), { name: "days", type: "number", min: 1, max: 30, value: 7, required: true })];
  /** @param {Record<string, string>} asked */
  const submitted = async (asked) => {
    const { url } = await act("invites", { for: asked.group || FOR_SERVER, uses: asked.uses, days: asked.days });
    box.close();
    made();
    showOnce(t("admin.invites.link"), SERVER + url, t("admin.invites.link-why"));
  };
  const box = openDialog(t("admin.invites.new"), form({ fields, submit: t("admin.make"), submitted }));
}

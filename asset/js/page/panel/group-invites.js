// Invitations into a group by a link: made, copied, listed and revoked by who may add members.

import { button } from "../button.js";
import { confirmed, field, form, openDialog } from "../dialog.js";
import { fill, h } from "../element.js";
import { whole } from "../moment.js";
import { SERVER } from "../pages.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";

/** @import { Invite } from "../../im/types.js" */
/** @import { Client } from "../../im/index.js" */
/** @import { GroupFacts } from "../types.js" */

/**
 * @param {GroupFacts} group
 * @param {Client} client
 */
export function inviteByLink(group, { rest }) {
  const made = h("div");
  const list = h("ul.list");

  async function show() {
    const rows = (await rest.rows("/invite/list")).filter((one) => one.for === String(group.id));
    fill(list, rows.length > 0 && h("li.list-title", {}, t("invite.mine")), ...rows.map(row));
  }

  /** @param {Invite} invite */
  function row(invite) {
    const facts = [t("invite.left", { left: invite.left, uses: invite.uses }), t("invite.until", { when: whole(invite.expires) })].join(" · ");
    const revoke = async () => {
      if (!(await confirmed(t("invite.revoke-question"), t("invite.revoke")))) return;
      try {
        await rest.call("/invite/revoke", { id: invite.id });
        await show();
      } catch (error) {
        toast(reason(error), "bad");
      }
    };
    return h("li.row", {}, h("span.row-words", {}, h("span.invite-facts", {}, facts)), button(t("invite.revoke"), revoke));
  }

  const fields = [field(t("invite.uses"), { name: "uses", type: "number", min: 1, max: 1000, value: 100, required: true }),
    field(t("invite.days"), { name: "days", type: "number", min: 1, max: 30, value: 7, required: true })];
  /** @param {Record<string, string>} asked */
  const submitted = async (asked) => {
    const { url } = await rest.data("/invite/create", { for: group.id, ...asked });
    fill(made, linkOnce(SERVER + url));
    await show();
  };
  openDialog(t("invite.by-link"), h("p.invite-why", {}, t("invite.why")), form({ fields, submit: t("invite.make"), submitted }), made, list);
  show().catch((error) => toast(reason(error), "bad"));
}

/**
 * A link that is shown this once, with a button that copies it.
 * @param {string} link
 */
function linkOnce(link) {
  const input = h("input", { readonly: true, value: link, "aria-label": t("invite.link") });
  const copy = async () => {
    input.select();
    try {
      await navigator.clipboard.writeText(link);
      toast(t("invite.copied"));
    } catch {
      toast(t("invite.copy-by-hand"), "bad"); // browsers copy over HTTPS and on localhost only; it is selected
    }
  };
  return h("div.form.invite-made", { role: "status" }, h("p", {}, t("invite.once")), input,
    h("div.dialog-buttons", {}, button(t("invite.copy"), copy, ".primary")));
}

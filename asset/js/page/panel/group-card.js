// A group: its members, and what its owner and its members can do with it.

import { CMD } from "../../im/index.js";
import { groupAvatar, userAvatar } from "../avatar.js";
import { confirmed, field, form, openDialog } from "../dialog.js";
import { fill, h } from "../element.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";
import { closeDialog } from "./find.js";
import { picturePicker } from "./picture-picker.js";

export async function showGroup(app, group) {
  const owner = group.ownerid === app.people.me.id;
  const members = h("ul.list.members", {}, h("li", {}, "…"));
  openDialog(group.name, h("div.me-card", {}, groupAvatar(group, "large"), h("h3", {}, group.name), h("p", {}, group.memo || ""),
    h("small", {}, t("talk.group-number", { id: group.id }))), members,
  h("div.dialog-buttons", {}, owner ? button(t("group.edit"), "", () => edit(app, group)) : null,
    button(t("group.leave"), ".bad", () => leave(app, group))));
  app.people.forgetMembers(group.id);
  const rows = await app.people.members(group.id);
  fill(members, h("li.list-title", {}, t("group.members", { count: rows.length })), ...rows.map((user) => member(app, group, user, owner)));
}

const button = (words, kind, onclick) => h(`button.button${kind}`, { type: "button", onclick }, words);

function member(app, group, user, owner) {
  const row = h("li.row", {}, userAvatar(user, "small"), h("span.row-words", {}, h("b", {}, user.nickname)),
    user.id === group.ownerid ? h("small.tag", {}, t("group.owner")) : owner && button(t("group.remove"), "", async () => {
      if (!(await confirmed(t("group.remove-question", { who: user.nickname }), t("group.remove")))) return;
      await attempt(() => app.client.rest.call("/contact/removemember", { dstid: group.id, memberid: user.id }));
      app.people.forgetMembers(group.id);
      row.remove();
    }));
  return row;
}

function edit(app, group) {
  const picker = picturePicker(app.client.rest, group.icon, () => groupAvatar(group, "large"));
  const box = openDialog(t("group.edit"), form({
    fields: [picker.element, field(t("group.name"), { name: "name", value: group.name, required: true, maxlength: 30 }),
      field(t("group.memo"), { name: "memo", value: group.memo ?? "", maxlength: 120 })],
    submit: t("action.save"),
    submitted: async (fields) => {
      await app.client.rest.call("/contact/updatecommunity", { dstid: group.id, ...fields, icon: picker.address });
      await app.people.loadGroups();
      box.close();
      closeDialog();
    },
  }));
}

async function leave(app, group) {
  if (!(await confirmed(t("group.leave-question", { name: group.name }), t("group.leave")))) return;
  await attempt(async () => {
    await app.client.rest.call("/contact/leavecommunity", { dstid: group.id });
    closeDialog();
    if (location.hash === `#${CMD.GROUP}:${group.id}`) location.hash = "#";
    await Promise.all([app.people.loadGroups(), app.client.refresh()]);
  });
}

async function attempt(call) {
  try {
    await call();
  } catch (error) {
    toast(reason(error), "bad");
  }
}

// A group: its members, and what its owner and its members can do with it.

import { CMD } from "../../im/index.js";
import { groupAvatar, userAvatar } from "../avatar.js";
import { button } from "../button.js";
import { closeDialogs, confirmed, field, form, openDialog } from "../dialog.js";
import { fill, h } from "../element.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";
import { picturePicker } from "./picture-picker.js";

export async function showGroup(app, group) {
  const owner = group.ownerid === app.people.me.id;
  const members = h("ul.list.members", {}, h("li", {}, "…"));
  const number = h("small", {}, t("talk.group-number", { id: group.id }));
  const card = h("div.me-card", {}, groupAvatar(group, "large"), h("p", {}, group.memo || ""), number);
  openDialog(group.name, card, members,
    h("div.dialog-buttons", {}, owner && button(t("group.edit"), () => edit(app, group)),
      button(t("group.leave"), () => leave(app, group), ".bad")));
  app.people.forgetMembers(group.id);
  const rows = await app.people.members(group.id);
  const title = h("li.list-title", {}, t("group.members", { count: rows.length }));
  fill(members, title, ...rows.map((user) => memberRow(app, group, user, owner)));
}

function memberRow(app, group, user, owner) {
  const row = h("li.row", {}, userAvatar(user, "small"), h("span.row-words", {}, h("b", {}, user.nickname)));
  const remove = async () => {
    if (!(await confirmed(t("group.remove-question", { who: user.nickname }), t("group.remove")))) return;
    await attempt(async () => {
      await app.client.rest.call("/contact/removemember", { dstid: group.id, memberid: user.id });
      app.people.forgetMembers(group.id);
      row.remove();
    });
  };
  if (user.id === group.ownerid) row.append(h("small.tag", {}, t("group.owner")));
  else if (owner) row.append(button(t("group.remove"), remove));
  return row;
}

function edit(app, group) {
  const picker = picturePicker(app.client.rest, group.icon, () => groupAvatar(group, "large"));
  const name = { name: "name", value: group.name, required: true, maxlength: 30 };
  const memo = { name: "memo", value: group.memo ?? "", maxlength: 120 };
  const fields = [picker.element, field(t("group.name"), name), field(t("group.memo"), memo)];
  const submitted = async (asked) => {
    await app.client.rest.call("/contact/updatecommunity", { dstid: group.id, ...asked, icon: picker.address });
    await app.people.loadGroups();
    closeDialogs();
  };
  openDialog(t("group.edit"), form({ fields, submit: t("action.save"), submitted }));
}

async function leave(app, group) {
  if (!(await confirmed(t("group.leave-question", { name: group.name }), t("group.leave")))) return;
  await attempt(async () => {
    await app.client.rest.call("/contact/leavecommunity", { dstid: group.id });
    closeDialogs();
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

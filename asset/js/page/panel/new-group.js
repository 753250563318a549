// Groups to be in: a new one, or one that is known by its number.

import { CMD } from "../../im/index.js";
import { groupAvatar } from "../avatar.js";
import { rowButton } from "../button.js";
import { field, form, openDialog } from "../dialog.js";
import { h } from "../element.js";
import { t } from "../words.js";
import { addFriend } from "./find.js";
import { picturePicker } from "./picture-picker.js";

export function createGroup(app) {
  const picker = picturePicker(app.client.rest, "", () => groupAvatar({ id: 0, name: "+" }, "large"));
  const fields = [picker.element, field(t("group.name"), { name: "name", required: true, maxlength: 30 }),
    field(t("group.memo"), { name: "memo", maxlength: 120 })];
  const submitted = async (asked) => {
    const made = { ...asked, icon: picker.address, cate: 0 };
    const group = await app.client.rest.data("/contact/createcommunity", made);
    await entered(app, group.id);
    box.close();
  };
  const box = openDialog(t("group.create"), form({ fields, submit: t("group.create"), submitted }));
}

export function joinGroup(app) {
  const pattern = "[1-9][0-9]{0,15}";
  const number = { name: "dstid", required: true, inputmode: "numeric", pattern, autocomplete: "off" };
  const submitted = async ({ dstid }) => {
    await app.client.rest.call("/contact/joincommunity", { dstid });
    await entered(app, Number(dstid));
    box.close();
  };
  const fields = [field(t("group.number"), number)];
  const box = openDialog(t("group.join"), form({ fields, submit: t("group.join"), submitted }));
}

async function entered(app, id) {
  await Promise.all([app.people.loadGroups(), app.client.refresh()]);
  location.hash = `#${CMD.GROUP}:${id}`;
}

/** What may be started from the list of conversations. */
export function start(app) {
  const item = (words, call) => rowButton(() => { box.close(); call(app); }, h("b", {}, words));
  const box = openDialog(t("panel.new"), h("div.menu", {}, item(t("friend.add"), addFriend),
    item(t("group.create"), createGroup), item(t("group.join"), joinGroup)));
}

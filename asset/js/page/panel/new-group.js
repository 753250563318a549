// Groups to be in: a new one, or one that is known by its number.

import { CMD } from "../../im/index.js";
import { groupAvatar } from "../avatar.js";
import { rowButton } from "../button.js";
import { field, form, openDialog } from "../dialog.js";
import { h } from "../element.js";
import { toast } from "../toast.js";
import { t } from "../words.js";
import { addFriend } from "./find.js";
import { picturePicker } from "./picture-picker.js";

/** @import { Client } from "../../im/index.js" */
/** @import { People } from "../people.js" */
/** @typedef {{ client: Client, people: People }} Parts that the dialogs use */

/** @param {Parts} parts */
export function createGroup(parts) {
  const { rest } = parts.client;
  const picker = picturePicker(rest, "", () => groupAvatar({ id: 0, name: "+", icon: "" }, "large"));
  const fields = [picker.element, field(t("group.name"), { name: "name", required: true, most: 30 }),
    field(t("group.memo"), { name: "memo", most: 120 })];
  /** @param {Record<string, string>} asked */
  const submitted = async (asked) => {
    const made = { ...asked, icon: picker.address, cate: 0, join: "invite" };
    const group = await rest.data("/contact/createcommunity", made);
    await entered(group.id, parts);
    box.close();
  };
  const box = openDialog(t("group.create"), form({ fields, submit: t("group.create"), submitted }));
}

/** @param {Parts} parts */
export function joinGroup(parts) {
  const pattern = "[1-9][0-9]{0,15}";
  const number = { name: "dstid", required: true, inputmode: "numeric", pattern, autocomplete: "off" };
  /** @param {Record<string, string>} asked */
  const submitted = async ({ dstid }) => {
    const joined = await parts.client.rest.data("/contact/joincommunity", { dstid });
    if (!joined.member) {
      toast(t("group.asked"));
      box.close();
      return;
    }
    await entered(Number(dstid), parts);
    box.close();
  };
  const fields = [field(t("group.number"), number)];
  const box = openDialog(t("group.join"), form({ fields, submit: t("group.join"), submitted }));
}

/**
 * @param {number} id
 * @param {Parts} parts
 */
async function entered(id, { client, people }) {
  await Promise.all([people.loadGroups(), client.refresh()]);
  location.hash = `#${CMD.GROUP}:${id}`;
}

/**
 * Shows what can be started from the list of conversations.
 * @param {Parts} parts
 */
export function showChoices(parts) {
  /** @type {(words: string, call: (parts: Parts) => void) => HTMLElement} */
  const item = (words, call) => rowButton(() => { box.close(); call(parts); }, h("b", {}, words));
  const box = openDialog(t("panel.new"), h("div.menu", {}, item(t("friend.add"), addFriend),
    item(t("group.create"), createGroup), item(t("group.join"), joinGroup)));
}

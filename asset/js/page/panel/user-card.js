// What is known of a user, and what can be done with them.

import { CMD, MEDIA } from "../../im/index.js";
import { userAvatar } from "../avatar.js";
import { botBadge } from "../bot-badge.js";
import { button, rowButton } from "../button.js";
import { closeDialogs, confirmed, field, form, openDialog } from "../dialog.js";
import { h } from "../element.js";
import { apart, phrase } from "../strangers.js";
import { toast } from "../toast.js";
import { reason, sexOf, t } from "../words.js";
import { friendButton, talkLink } from "./friend-button.js";

/** @import { Client } from "../../im/index.js" */
/** @import { People } from "../people.js" */
/** @import { Person } from "../types.js" */
/** @typedef {{ client: Client, people: People }} Parts that a card uses */

/**
 * @param {Person} user
 * @param {Parts} parts
 */
export function showUser(user, parts) {
  const { client, people } = parts;
  const self = user.id === people.me.id;
  const friend = people.isFriend(user.id);
  const about = [t("talk.user-number", { id: user.id }), sexOf(user.sex)].join(" · ");
  openDialog(user.nickname,
    h("div.me-card", {}, userAvatar(user, "large"), botBadge(user), h("p", {}, user.memo ? apart(user.memo) : t("me.no-memo")), h("small", {}, about)),
    h("div.dialog-buttons", {}, friend && button(t("friend.delete"), () => removeFriend(user, parts), ".bad"),
      friend && button(t("user.remark"), () => remark(user, parts)),
      !self && blockButton(user, parts),
      button(t("friend.share"), () => shareCard(user, parts)),
      self ? talkLink(user) : friendButton(user, { rest: client.rest, people })));
}

/**
 * @param {Person} user
 * @param {Parts} parts
 */
function shareCard(user, { client, people }) {
  const card = { media: MEDIA.CONTACT, content: String(user.id), memo: user.nickname,
    url: `/chat/index.shtml#user=${user.id}`, ...(user.avatar ? { pic: user.avatar } : {}) };
  /** @param {Person} target */
  const send = (target) => () => {
    client.send(CMD.SINGLE, target.id, card);
    toast(t("friend.shared"));
    closeDialogs();
  };
  const targets = people.friends.filter((id) => id !== user.id).map((id) => people.user(id));
  const rows = targets.map((target) =>
    h("li", {}, rowButton(send(target), userAvatar(target, "small"), h("b", {}, apart(target.nickname)))));
  openDialog(t("friend.share"), h("ul.list", {}, ...rows));
}

/**
 * Asks for my own name for a friend.
 * @param {Person} user
 * @param {Parts} parts
 */
function remark(user, { client, people }) {
  /** @param {Record<string, string>} asked */
  const submitted = async ({ memo }) => {
    await client.rest.call("/contact/remark", { dstid: user.id, memo });
    await people.loadFriends();
    closeDialogs();
  };
  const fields = [field(t("user.remark"), { name: "memo", value: user.remark ?? "", most: 120 })];
  openDialog(t("user.remark"), form({ fields, submit: t("action.save"), submitted }));
}

/**
 * A button that blocks, or unblocks who is blocked.
 * @param {Person} user
 * @param {Parts} parts
 */
function blockButton(user, { client: { rest } }) {
  const toggle = button(t("user.block"), async () => {
    const blocked = toggle.textContent === t("user.unblock");
    if (!blocked && !(await confirmed(phrase(t("user.block-question"), { who: user.nickname }), t("user.block")))) return;
    try {
      await rest.call(blocked ? "/contact/unblock" : "/contact/block", { dstid: user.id });
      toggle.textContent = blocked ? t("user.block") : t("user.unblock");
    } catch (error) {
      toast(reason(error), "bad");
    }
  }, ".bad");
  rest.rows("/contact/loadblock").then((rows) => {
    if (rows.some(({ id }) => id === user.id)) toggle.textContent = t("user.unblock");
  }, () => null);
  return toggle;
}

/**
 * @param {Person} user
 * @param {Parts} parts
 */
async function removeFriend(user, { client, people }) {
  if (!(await confirmed(phrase(t("friend.delete-question"), { who: user.nickname }), t("friend.delete")))) return;
  try {
    await client.rest.call("/contact/deletefriend", { dstid: user.id });
    await people.loadFriends();
    closeDialogs();
  } catch (error) {
    toast(reason(error), "bad");
  }
}

// What is known of a user, and what can be done with them.

import { CMD, MEDIA } from "../../im/index.js";
import { userAvatar } from "../avatar.js";
import { botBadge } from "../bot-badge.js";
import { button, rowButton } from "../button.js";
import { closeDialogs, confirmed, entitle, field, form, keepDrawn, openDialog } from "../dialog.js";
import { h } from "../element.js";
import { KeyedList } from "../keyed-list.js";
import { apart, phrase } from "../strangers.js";
import { toast } from "../toast.js";
import { reason, sexOf, t } from "../words.js";
import { friendButton, talkLink } from "./friend-button.js";

/** @import { Client } from "../../im/index.js" */
/** @import { People } from "../people.js" */
/** @import { Person, Show } from "../types.js" */
/** @typedef {{ client: Client, people: People, show: Show }} Parts that a card uses */

/**
 * @param {Pick<Person, "id">} user
 * @param {Parts} parts
 */
export function showUser({ id }, parts) {
  const { client, people } = parts;
  const self = id === people.me.id;
  const [about, buttons] = [h("div"), h("div.dialog-buttons")];
  const [cards, choices] = [new KeyedList(about), new KeyedList(buttons)];
  const now = () => people.user(id);
  const forFriends = [
    { key: "delete", look: "", build: () => button(t("friend.delete"), () => removeFriend(now(), parts), ".bad") },
    { key: "remark", look: "", build: () => button(t("user.remark"), () => remark(now(), parts)) },
  ];
  const box = openDialog("", about, buttons);
  keepDrawn(box, people.changes, () => {
    const user = now();
    const friend = people.isFriend(id);
    entitle(box, user.nickname);
    cards.show([{ key: "card", look: JSON.stringify([user.nickname, user.avatar, user.memo, user.sex, user.bot]), build: () => cardOf(user) }]);
    choices.show([
      ...(friend ? forFriends : []),
      ...(self ? [] : [{ key: "block", look: "", build: () => blockButton(now, parts) }]),
      { key: "files", look: "", build: () => button(t("files.title"), () => parts.show.files({ scope: CMD.SINGLE, dstid: id })) },
      { key: "share", look: "", build: () => button(t("friend.share"), () => shareCard(now(), parts)) },
      // Within an element of its own, as it puts something else in its place once it was used.
      { key: "talk", look: JSON.stringify([friend, user.nickname]), build: () =>
        h("span", {}, self ? talkLink(user) : friendButton(user, { rest: client.rest, people })) },
    ]);
  });
}

/** @param {Person} user */
function cardOf(user) {
  const facts = [t("talk.user-number", { id: user.id }), sexOf(user.sex)].join(" · ");
  return h("div.me-card", {}, userAvatar(user, "large"), botBadge(user), h("p", {}, user.memo ? apart(user.memo) : t("me.no-memo")), h("small", {}, facts));
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
  const list = h("ul.list");
  const rows = new KeyedList(list);
  keepDrawn(openDialog(t("friend.share"), list), people.changes, () => {
    const targets = people.friends.filter((id) => id !== user.id).map((id) => people.user(id));
    rows.show(targets.map((target) => ({ key: target.id, look: JSON.stringify([target.nickname, target.avatar]), plain: target.nickname,
      build: () => h("li", {}, rowButton(send(target), userAvatar(target, "small"), h("b", {}, apart(target.nickname)))) })));
  });
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
 * A button that blocks, or unblocks who is blocked; until that is known it does nothing.
 * @param {() => Person} now the user
 * @param {Parts} parts
 */
function blockButton(now, { client: { rest } }) {
  const { id } = now();
  const toggle = button(t("user.block"), async () => {
    const blocked = toggle.textContent === t("user.unblock");
    if (!blocked && !(await confirmed(phrase(t("user.block-question"), { who: now().nickname }), t("user.block")))) return;
    try {
      await rest.call(blocked ? "/contact/unblock" : "/contact/block", { dstid: id });
      toggle.textContent = blocked ? t("user.block") : t("user.unblock");
    } catch (error) {
      toast(reason(error), "bad");
    }
  }, ".bad");
  toggle.disabled = true;
  rest.rows("/contact/loadblock").catch(() => []).then((rows) => {
    if (rows.some((user) => user.id === id)) toggle.textContent = t("user.unblock");
    toggle.disabled = false;
  });
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

// Finding people by their numbers, and making them friends.

import { CMD } from "../../im/index.js";
import { userAvatar } from "../avatar.js";
import { button } from "../button.js";
import { closeDialogs, field, form, openDialog } from "../dialog.js";
import { fill, h } from "../element.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";
import { showUser } from "./user-card.js";

/** Asks for a mobile or an id, shows who has it, and adds them. */
export function addFriend(app) {
  const found = h("ul.list.found");
  const search = async ({ number }) => {
    const users = await whoHas(app.client.rest, number.trim());
    fill(found, ...users.map((user) => foundRow(app, user)));
    if (!users.length) fill(found, h("li.nothing", {}, h("p", {}, t("friend.nobody"))));
  };
  const number = { name: "number", required: true, inputmode: "tel", autocomplete: "off", pattern: "\\+?[0-9]{1,20}" };
  const fields = [field(t("friend.number"), number)];
  openDialog(t("friend.add"), form({ fields, submit: t("friend.search"), submitted: search }), found);
}

/** A number may be a mobile, an id, or both. */
async function whoHas(rest, number) {
  const asked = [rest.data("/user/find", { mobile: number })];
  if (/^[1-9][0-9]{0,15}$/.test(number)) asked.push(rest.data("/user/find", { id: number }));
  const answers = await Promise.allSettled(asked);
  if (answers.every(({ reason: error }) => error?.status === 0)) throw answers[0].reason;
  const users = answers.filter(({ value }) => value).map(({ value }) => value);
  return users.filter((user, at) => users.findIndex(({ id }) => id === user.id) === at);
}

function foundRow(app, user) {
  const about = user.memo || t("talk.user-number", { id: user.id });
  const words = h("span.row-words", {}, h("b", {}, user.nickname), h("span.row-last", {}, about));
  return h("li.row", {}, userAvatar(user), words, friendButton(app, user));
}

/** What can be done about being friends with `user`: add them, or talk. */
export function friendButton(app, user) {
  if (user.id === app.people.me.id) return h("small", {}, t("event.you"));
  if (app.people.isFriend(user.id)) return talkLink(user);
  const add = button(t("friend.add"), async () => {
    add.disabled = true;
    try {
      add.replaceWith(await befriend(app, user));
    } catch (error) {
      add.disabled = false;
      toast(reason(error), "bad");
    }
  }, ".primary");
  return add;
}

export const talkLink = (user) =>
  h("a.button.primary", { href: `#${CMD.SINGLE}:${user.id}`, onclick: closeDialogs }, t("friend.talk"));

async function befriend(app, user) {
  await app.client.rest.call("/contact/addfriend", { dstid: user.id });
  await app.people.loadFriends();
  if (app.people.isFriend(user.id)) {
    toast(t("friend.added", { who: user.nickname }));
    return talkLink(user);
  }
  toast(t("friend.requested", { who: user.nickname })); // this server asks the other side first
  return h("small", {}, t("friend.waits"));
}

/** The user that a contact card means: ours carry the id in the address, the seed's a mobile in the content. */
export async function lookUp(app, card) {
  const id = /#user=(\d{1,16})$/.exec(card.url ?? "")?.[1];
  const { rest } = app.client;
  try {
    const users = id ? [await rest.data("/user/find", { id })] : await whoHas(rest, card.content ?? "");
    if (users.length) showUser(app, users[0]);
    else toast(t("friend.nobody"));
  } catch (error) {
    toast(error.status === 404 ? t("friend.nobody") : reason(error), "bad");
  }
}

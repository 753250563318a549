// Finding and adding people and groups, and what is known of them.

import { CMD, MEDIA } from "../../im/index.js";
import { groupAvatar, userAvatar } from "../avatar.js";
import { confirmed, field, form, openDialog } from "../dialog.js";
import { fill, h } from "../element.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";
import { picturePicker } from "./picture-picker.js";

/** Asks for a mobile or an id, shows who has it, and adds them. */
export function addFriend(app) {
  const found = h("ul.list.found");
  const search = async ({ number }) => {
    const users = await whoHas(app.client.rest, number.trim());
    fill(found, ...users.map((user) => h("li.row", {}, userAvatar(user), h("span.row-words", {}, h("b", {}, user.nickname),
      h("span.row-last", {}, user.memo || t("talk.user-number", { id: user.id }))), addButton(app, user))));
    if (!users.length) fill(found, h("li.nothing", {}, h("p", {}, t("friend.nobody"))));
  };
  openDialog(t("friend.add"), form({
    fields: [field(t("friend.number"), { name: "number", required: true, inputmode: "tel", autocomplete: "off", pattern: "\\+?[0-9]{1,20}" })],
    submit: t("friend.search"), submitted: search,
  }), found);
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

function addButton(app, user) {
  if (user.id === app.people.me.id) return h("small", {}, t("event.you"));
  if (app.people.isFriend(user.id)) return h("a.button", { href: `#${CMD.SINGLE}:${user.id}`, onclick: closeDialog }, t("friend.talk"));
  const button = h("button.button.primary", { type: "button", onclick: async () => {
    button.disabled = true;
    try {
      const { data } = await app.client.rest.call("/contact/addfriend", { dstid: user.id });
      await app.people.loadFriends();
      const now = app.people.isFriend(user.id);
      toast(now ? t("friend.added", { who: user.nickname }) : t("friend.requested", { who: user.nickname }), data ? "" : "");
      button.replaceWith(now ? addButton(app, user) : h("small", {}, t("friend.waits")));
    } catch (error) {
      button.disabled = false;
      toast(reason(error), "bad");
    }
  } }, t("friend.add"));
  return button;
}

export function createGroup(app) {
  const picker = picturePicker(app.client.rest, "", () => groupAvatar({ id: 0, name: "+" }, "large"));
  const box = openDialog(t("group.create"), form({
    fields: [picker.element, field(t("group.name"), { name: "name", required: true, maxlength: 30 }),
      field(t("group.memo"), { name: "memo", maxlength: 120 })],
    submit: t("group.create"),
    submitted: async (fields) => {
      const group = await app.client.rest.data("/contact/createcommunity", { ...fields, icon: picker.address, cate: 0 });
      await joined(app, group.id);
      box.close();
    },
  }));
}

export function joinGroup(app) {
  const box = openDialog(t("group.join"), form({
    fields: [field(t("group.number"), { name: "dstid", required: true, inputmode: "numeric", pattern: "[1-9][0-9]{0,15}", autocomplete: "off" })],
    submit: t("group.join"),
    submitted: async ({ dstid }) => {
      await app.client.rest.call("/contact/joincommunity", { dstid });
      await joined(app, Number(dstid));
      box.close();
    },
  }));
}

async function joined(app, id) {
  await Promise.all([app.people.loadGroups(), app.client.refresh()]);
  location.hash = `#${CMD.GROUP}:${id}`;
}

/** What may be started from the list of conversations. */
export function start(app) {
  const item = (words, call) => h("button.row", { type: "button", onclick: () => { box.close(); call(app); } }, h("b", {}, words));
  const box = openDialog(t("panel.new"), h("div.menu", {}, item(t("friend.add"), addFriend), item(t("group.create"), createGroup),
    item(t("group.join"), joinGroup)));
}

/** A user, and what can be done with them. */
export function showUser(app, user) {
  const self = user.id === app.people.me.id;
  const friend = app.people.isFriend(user.id);
  const talk = h("a.button.primary", { href: `#${CMD.SINGLE}:${user.id}`, onclick: closeDialog }, t("friend.talk"));
  const share = h("button.button", { type: "button", onclick: () => shareCard(app, user) }, t("friend.share"));
  const remove = h("button.button.bad", { type: "button", onclick: () => removeFriend(app, user) }, t("friend.delete"));
  openDialog(user.nickname, h("div.me-card", {}, userAvatar(user, "large"), h("h3", {}, user.nickname),
    h("p", {}, user.memo || t("me.no-memo")), h("small", {}, t("talk.user-number", { id: user.id }), " · ", app.sex(user.sex || "U"))),
  h("div.dialog-buttons", {}, friend || self ? talk : addButton(app, user), share, friend && remove));
}

function shareCard(app, user) {
  const targets = app.people.friends.filter((id) => id !== user.id).map((id) => app.people.user(id));
  openDialog(t("friend.share"), h("ul.list", {}, ...targets.map((target) => h("li", {}, h("button.row", { type: "button",
    onclick: () => {
      app.client.send(CMD.SINGLE, target.id, { media: MEDIA.CONTACT, content: String(user.id), pic: user.avatar || undefined,
        memo: user.nickname, url: `/chat/index.shtml#user=${user.id}` });
      toast(t("friend.shared"));
      closeDialog();
    } }, userAvatar(target, "small"), h("b", {}, target.nickname))))));
}

async function removeFriend(app, user) {
  if (!(await confirmed(t("friend.delete-question", { who: user.nickname }), t("friend.delete")))) return;
  try {
    await app.client.rest.call("/contact/deletefriend", { dstid: user.id });
    await app.people.loadFriends();
    closeDialog();
  } catch (error) {
    toast(reason(error), "bad");
  }
}

/** The user that a contact card means: ours carry the id in the address, the seed's a mobile in the content. */
export async function lookUp(app, card) {
  const id = /#user=(\d{1,16})$/.exec(card.url ?? "")?.[1];
  try {
    const [user] = id ? [await app.client.rest.data("/user/find", { id })] : await whoHas(app.client.rest, card.content ?? "");
    if (user) showUser(app, user);
    else toast(t("friend.nobody"));
  } catch (error) {
    toast(reason(error), "bad");
  }
}

export const closeDialog = () => document.querySelectorAll("dialog[open]").forEach((box) => box.close());

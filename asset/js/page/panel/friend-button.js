// What can be done about being friends with somebody.

import { CMD } from "../../im/index.js";
import { button } from "../button.js";
import { closeDialogs } from "../dialog.js";
import { h } from "../element.js";
import { drawn, phrase } from "../strangers.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";

/** @import { Rest } from "../../im/index.js" */
/** @import { People } from "../people.js" */
/** @import { Person } from "../types.js" */

/**
 * Adds `user`, or leads to the talk with them.
 * @param {Person} user
 * @param {{ rest: Rest, people: People }} parts
 */
export function friendButton(user, parts) {
  const { people } = parts;
  if (user.id === people.me.id) return h("small", {}, t("event.you"));
  if (people.isFriend(user.id)) return talkLink(user);
  const add = button(t("friend.add"), async () => {
    add.disabled = true;
    try {
      add.replaceWith(await befriend(user, parts));
    } catch (error) {
      add.disabled = false;
      toast(reason(error), "bad");
    }
  }, ".primary");
  return add;
}

/** @param {Person} user */
export const talkLink = (user) =>
  h("a.button.primary", { href: `#${CMD.SINGLE}:${user.id}`, onclick: closeDialogs }, t("friend.talk"));

/**
 * @param {Person} user
 * @param {{ rest: Rest, people: People }} parts
 */
async function befriend(user, { rest, people }) {
  await rest.call("/contact/addfriend", { dstid: user.id });
  await people.loadFriends();
  if (people.isFriend(user.id)) {
    toast(drawn(phrase(t("friend.added"), { who: user.nickname })));
    return talkLink(user);
  }
  toast(drawn(phrase(t("friend.requested"), { who: user.nickname }))); // this server asks the other side first
  return h("small", {}, t("friend.waits"));
}

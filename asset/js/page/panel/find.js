// Finding people by their numbers, and making them friends.

import { Refused } from "../../im/index.js";
import { userAvatar } from "../avatar.js";
import { field, form, openDialog } from "../dialog.js";
import { fill, h } from "../element.js";
import { apart, oneLine, readable } from "../strangers.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";
import { friendButton } from "./friend-button.js";
import { showUser } from "./user-card.js";

/** @import { Client, Rest } from "../../im/index.js" */
/** @import { User, Words } from "../../im/types.js" */
/** @import { People } from "../people.js" */
/** @import { Show } from "../types.js" */

/**
 * Asks for a mobile or an id, shows who has it, and adds them; a number that is known already is looked up at once.
 * @param {{ client: Client, people: People }} parts
 * @param {string} [known]
 */
export function addFriend({ client: { rest }, people }, known = "") {
  const found = h("ul.list.found");
  /** @param {Record<string, string>} asked */
  const search = async ({ number }) => {
    const users = await whoHas(rest, number.trim());
    fill(found, ...users.map((user) => foundRow(user, { rest, people })));
    if (!users.length) fill(found, h("li.nothing", {}, h("p", {}, t("friend.nobody"))));
  };
  const number = { name: "number", value: known, required: true, inputmode: "tel", autocomplete: "off", pattern: "\\+?[0-9]{1,20}" };
  const fields = [field(t("friend.number"), number)];
  const asking = form({ fields, submit: t("friend.search"), submitted: search });
  openDialog(t("friend.add"), asking, found);
  if (known) asking.requestSubmit();
}

/**
 * A user that was found, by the name to show.
 * @param {User} user
 */
const shownUser = (user) => ({ ...user, nickname: readable(user.nickname, user.id) });

/**
 * A number may be a mobile, an id, or both.
 * @param {Rest} rest
 * @param {string} number
 */
async function whoHas(rest, number) {
  const asked = [rest.data("/user/find", { mobile: number })];
  if (/^[1-9][0-9]{0,15}$/.test(number)) asked.push(rest.data("/user/find", { id: number }));
  const answers = await Promise.allSettled(asked);
  const errors = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
  if (errors.length === answers.length && errors.every(({ status }) => status === 0)) throw errors[0];
  const users = answers.flatMap((answer) => (answer.status === "fulfilled" ? [shownUser(answer.value)] : []));
  return users.filter((user, at) => users.findIndex(({ id }) => id === user.id) === at);
}

/**
 * @param {User} user
 * @param {{ rest: Rest, people: People }} parts
 */
function foundRow(user, parts) {
  const about = oneLine(user.memo) || t("talk.user-number", { id: user.id });
  const words = h("span.row-words", {}, h("b", {}, apart(user.nickname)), h("span.row-last", {}, about));
  return h("li.row", {}, userAvatar(user), words, friendButton(user, parts));
}

/**
 * Shows the user whom a contact card means: ours carry the id in the address, those of the original Go server a mobile
 * in the content.
 * @param {Pick<Words, "url" | "content">} card
 * @param {{ client: Client, people: People, show: Show }} parts
 */
export async function lookUp(card, parts) {
  const id = /#user=(\d{1,16})$/.exec(card.url ?? "")?.[1];
  const { rest } = parts.client;
  try {
    const users = id ? [shownUser(await rest.data("/user/find", { id }))] : await whoHas(rest, card.content ?? "");
    if (!users.length) return toast(t("friend.nobody"));
    parts.people.learn(users[0]);
    return showUser(users[0], parts);
  } catch (error) {
    const nobody = error instanceof Refused && error.status === 404;
    return toast(nobody ? t("friend.nobody") : reason(error), "bad");
  }
}

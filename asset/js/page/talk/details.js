// What there is to know of one message: who has read it, who reacted to it, and what it said before it was edited.

import { userAvatar } from "../avatar.js";
import { keepDrawn, openDialog } from "../dialog.js";
import { h } from "../element.js";
import { KeyedList } from "../keyed-list.js";
import { stamp, whole } from "../moment.js";
import { apart } from "../strangers.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";
import { reactionsOf } from "./reactions.js";

/** @import { Client } from "../../im/index.js" */
/** @import { People } from "../people.js" */
/** @import { Person, ShownMessage } from "../types.js" */

const REACTED = 200; // reactions that are listed

/** @typedef {{ client: Client, people: People }} Parts */

/**
 * Lists who has read a message of a group, and when, as far as that is known.
 * @param {ShownMessage} message
 * @param {Parts} parts
 */
export async function showReaders({ cmd, dstid, seq }, { client, people }) {
  try {
    const rows = await client.rest.rows("/message/readers", { scope: cmd, dstid, seq });
    const list = h("ul.list");
    const lines = new KeyedList(list);
    const box = openDialog(t("talk.readers"), rows.length ? list : h("p", {}, t("talk.nobody-read")));
    keepDrawn(box, people.changes, () => lines.show(rows.map(({ userid, at }) => readerRow(people.user(userid), at))));
  } catch (error) {
    toast(reason(error), "bad");
  }
}

/**
 * @param {Person} user
 * @param {number} at when it was read, in ms; 0 where that isn't known
 */
const readerRow = (user, at) => ({ key: user.id, look: JSON.stringify([user.nickname, user.avatar]), plain: user.nickname,
  build: () => h("li.row", {}, userAvatar(user, "small"),
    h("span.row-words", {}, h("b", {}, apart(user.nickname)), at ? moment(at) : null)) });

/**
 * Lists who reacted to a message, and with what.
 * @param {ShownMessage} message
 * @param {Parts} parts
 */
export function showReactions(message, { people }) {
  const all = reactionsOf(message).flatMap(([emoji, ids]) => ids.map((id) => ({ emoji, id }))).slice(0, REACTED);
  const list = h("ul.list");
  const lines = new KeyedList(list);
  const box = openDialog(t("message.reacted"), list);
  keepDrawn(box, people.changes, () => lines.show(all.map(({ emoji, id }) => reactedRow(emoji, people.user(id)))));
}

/**
 * @param {string} emoji
 * @param {Person} user
 */
const reactedRow = (emoji, user) => ({ key: `${user.id} ${emoji}`, look: JSON.stringify([user.nickname, user.avatar]), plain: user.nickname,
  build: () => h("li.row", {}, userAvatar(user, "small"), h("span.row-words", {}, h("b", {}, apart(user.nickname))), h("span.reacted", {}, apart(emoji))) });

/**
 * Lists what an edited message has said, the newest words first.
 * @param {ShownMessage} message
 * @param {number} dstid of its conversation
 * @param {Parts} parts
 */
export async function showEdits({ cmd, seq }, dstid, { client }) {
  try {
    const rows = await client.rest.rows("/message/edits", { scope: cmd, dstid, seq });
    const lines = rows.reverse().map(({ content, at }) => h("li", {}, h("p", {}, apart(content)), moment(at)));
    openDialog(t("talk.edits"), h("ol.edits", {}, ...lines));
  } catch (error) {
    toast(reason(error), "bad");
  }
}

/** @param {number} at */
const moment = (at) => h("time", { datetime: stamp(at) }, whole(at));

// The reactions to a message: the row of them below it.

import { h } from "../element.js";
import { apart, isolated } from "../strangers.js";

/** @import { ShownMessage } from "../types.js" */
/** @import { RowParts } from "./types.js" */

export const NAMED = 20; // of those who react with the same, so many are named

/**
 * Who reacted with what: `[[emoji, [userid, …]], …]`.
 * @param {ShownMessage} message
 */
export const reactionsOf = (message) => Object.entries(message.reactions ?? {}).filter(([, ids]) => Array.isArray(ids));

/**
 * @param {ShownMessage} message
 * @param {RowParts} parts
 */
export function reactionRow(message, { people, react }) {
  const entries = reactionsOf(message);
  if (!entries.length) return null;
  const me = people.me.id;
  return h("div.reactions", {}, ...entries.map(([emoji, users]) => {
    const mine = users.includes(me);
    const names = users.slice(0, NAMED).map((id) => isolated(people.name(id))).join(", ");
    return h("button.reaction", { type: "button", title: names, "aria-pressed": String(mine),
      onclick: () => react(message, mine ? "" : emoji) }, apart(emoji), ` ${users.length}`);
  }));
}

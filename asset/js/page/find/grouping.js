// What was found, in the parts in which it is shown.

import { keyOf } from "../../im/codes.js";

/** @import { Found } from "../../im/types.js" */
/** @import { Address } from "../types.js" */
/** @typedef {Address & { key: string, rows: Found[] }} Group the found messages of one conversation */

export const FIRST = 3; // messages of a conversation that are shown before more of them are asked for

/**
 * The messages by their conversations, in the order of the newest message of each.
 * @param {Found[]} rows newest first
 * @returns {Group[]}
 */
export function byConversation(rows) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  for (const row of rows) {
    const { scope, dstid } = row;
    const key = keyOf(scope, dstid);
    const group = groups.get(key) ?? { key, scope, dstid, rows: [] };
    group.rows.push(row);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/**
 * Everything that has the pieces in one of its names, those first whose name begins with what is looked for.
 * @template Item
 * @param {Item[]} items in their order
 * @param {(item: Item) => string[]} namesOf
 * @param {(name: string) => number} rank of a name: 0 for the best, -1 where it doesn't have them
 * @returns {Item[]}
 */
export function ranked(items, namesOf, rank) {
  /** @type {{ item: Item, best: number }[]} */
  const found = [];
  for (const item of items) {
    const ranks = namesOf(item).map(rank).filter((one) => one >= 0);
    if (ranks.length) found.push({ item, best: Math.min(...ranks) });
  }
  return found.sort((a, b) => a.best - b.best).map(({ item }) => item);
}

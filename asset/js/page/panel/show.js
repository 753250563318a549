// The dialogs that every part of the page can open, and what leads to a place in it.

import { showFiles } from "../find/files.js";
import { addFriend, lookUp } from "./find.js";
import { showGroup } from "./group-card.js";
import { createGroup, joinGroup, showChoices } from "./new-group.js";
import { showUser } from "./user-card.js";

/** @import { Client } from "../../im/index.js" */
/** @import { People } from "../people.js" */
/** @import { Show } from "../types.js" */

/**
 * @param {{ client: Client, people: People }} given
 * @param {Pick<Show, "toMessage" | "toMessageAt" | "searchIn">} leads
 * @returns {Show}
 */
export function showWith({ client, people }, leads) {
  /** @type {Show} */
  const show = {
    ...leads,
    user: (user) => showUser(user, parts),
    group: (group) => showGroup(group, parts),
    contact: (card) => lookUp(card, parts),
    files: (conversation) => showFiles(conversation, parts),
    addFriend: (number) => addFriend(parts, number),
    createGroup: () => createGroup(parts),
    joinGroup: () => joinGroup(parts),
    choices: () => showChoices(parts),
  };
  const parts = { client, people, show };
  return show;
}

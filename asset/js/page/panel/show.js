// The dialogs that every part of the page can open.

import { addFriend, lookUp } from "./find.js";
import { showGroup } from "./group-card.js";
import { createGroup, joinGroup, showChoices } from "./new-group.js";
import { showUser } from "./user-card.js";

/** @import { Client } from "../../im/index.js" */
/** @import { People } from "../people.js" */
/** @import { Show } from "../types.js" */

/**
 * @param {{ client: Client, people: People }} parts
 * @returns {Show}
 */
export const showWith = (parts) => ({
  user: (user) => showUser(user, parts),
  group: (group) => showGroup(group, parts),
  contact: (card) => lookUp(card, parts),
  addFriend: () => addFriend(parts),
  createGroup: () => createGroup(parts),
  joinGroup: () => joinGroup(parts),
  choices: () => showChoices(parts),
});

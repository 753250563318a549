// Types that several modules of the page share, for the type checker and for readers: no module loads this file. Those of
// what the server says stand in ../im/types.js.

/** @import { Conversation } from "../im/conversation.js" */
/** @import { Group, Message, User, Words } from "../im/types.js" */
/** @import { Child } from "./element.js" */

/**
 * What is known of a user: all that the server says, or, until it has said it, a name made of the id.
 * @typedef {Pick<User, "id" | "nickname" | "avatar"> & Partial<User>} Person
 */

/**
 * What is known of a group: all that the server says, or a name made of the id where I am not in it.
 * @typedef {Pick<Group, "id" | "name" | "icon"> & Partial<Group>} GroupFacts
 */

/**
 * A message as it is shown: one that waits for its answer has no `seq` yet.
 * @typedef {Omit<Message, "seq"> & { seq?: number }} ShownMessage
 */

/** @typedef {Pick<Conversation, "scope" | "dstid">} Address names a conversation */

/**
 * Shows what isn't part of the page itself, as dialogs over it.
 * @typedef {object} Show
 * @property {(user: Person) => void} user
 * @property {(group: GroupFacts) => void} group
 * @property {(card: Pick<Words, "url" | "content">) => void} contact the user whom a contact card means
 * @property {() => void} addFriend
 * @property {() => void} createGroup
 * @property {() => void} joinGroup
 * @property {() => void} choices what can be started from the list of conversations
 */

/**
 * One of the lists beside the chat window. `show` draws it anew.
 * @typedef {object} Panel
 * @property {string} title
 * @property {Element} element
 * @property {Child[]} tools
 * @property {() => void} show
 */

export {};

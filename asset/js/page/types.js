// Types that several modules of the page share, for the type checker and for readers: no module loads this file. Those of
// what the server says stand in ../im/types.js.

/** @import { Conversation } from "../im/conversation.js" */
/** @import { Group, Message, User, Words } from "../im/types.js" */
/** @import { Attribute, Child } from "./element.js" */

/**
 * What is known of a user: all that the server says, or, until it has said it, a name made of the id. `nickname` is how I call
 * them, `ownName` how they call themselves.
 * @typedef {Pick<User, "id" | "nickname" | "avatar"> & Partial<User> & { ownName?: string }} Person
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
 * @property {(number?: string) => void} addFriend looks for who has the number, if one is given
 * @property {() => void} createGroup
 * @property {() => void} joinGroup
 * @property {(conversation: Address, seq: number) => Record<string, Attribute>} toMessage the attributes of a link to a message
 * @property {(hash: string) => Record<string, Attribute> | null} toMessageAt the same by a message's address; null where it can't be shown here
 * @property {(conversation: Address) => void} searchIn looks for something in one conversation
 * @property {(conversation: Address) => void} files what was sent in a conversation
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

// Types that the modules of the chat window share, for the type checker and for readers: no module loads this file.

/** @import { Message } from "../../im/types.js" */
/** @import { People } from "../people.js" */
/** @import { Show, ShownMessage } from "../types.js" */
/** @import { Previewing } from "./link-preview.js" */

/**
 * What the row of a message uses of the chat window.
 * @typedef {object} RowParts
 * @property {People} people
 * @property {Show} show
 * @property {(seq: number) => Promise<Message | null>} quoted the message that a reply names, if it can be had
 * @property {(seq: number) => void} goTo
 * @property {(message: ShownMessage) => void} reply
 * @property {(message: ShownMessage) => void} edit
 * @property {(message: ShownMessage) => void} select chooses it, to send it on with others
 * @property {(message: ShownMessage) => void} recall
 * @property {(message: ShownMessage, emoji: string) => void} react with "" to take the reaction back
 * @property {(message: ShownMessage) => void} readers shows who has read it
 * @property {(message: ShownMessage) => void} reacted shows who reacted to it with what
 * @property {(message: ShownMessage) => string} addressOf where the page shows it, for all who may read it
 * @property {Previewing} preview asks what a link leads to
 * @property {(message: ShownMessage) => void} view shows its picture over the whole window
 * @property {(message: ShownMessage) => void} forward asks where to send it on to
 * @property {(message: ShownMessage) => void} edits shows what it said before
 * @property {(cid: string) => void} retry
 * @property {(cid: string) => void} discard
 */

/**
 * A message as the chat window shows it. `state` is waiting, sent, read or refused of mine, "" of others'; `first` is set
 * where the author begins to speak.
 * @typedef {object} Item
 * @property {string} key
 * @property {ShownMessage} message
 * @property {string} error the refusal, or ""
 * @property {"" | "waiting" | "sent" | "read" | "refused"} state
 * @property {boolean} [first]
 */

export {};

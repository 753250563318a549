// What the row of a message may ask of the server and of the page, whatever the chat window does meanwhile.

import { messageHash } from "../chat-address.js";
import { forward } from "../forwarding/asking.js";
import { wordsOf } from "../forwarding/posting.js";
import { CHAT } from "../pages.js";
import { showEdits, showReactions, showReaders } from "./details.js";
import { previewing } from "./link-preview.js";
import { openViewer } from "./viewer.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Conversation } from "../../im/conversation.js" */
/** @import { People } from "../people.js" */
/** @import { RowParts } from "./types.js" */

/**
 * @param {{ client: Client, people: People }} parts
 * @param {() => Conversation | null} open the conversation that is open
 * @returns {Pick<RowParts, "quoted" | "readers" | "reacted" | "edits" | "addressOf" | "preview" | "view" | "forward" | "retry" | "discard">}
 */
export function messageParts({ client, people }, open) {
  const parts = { client, people };
  return {
    quoted: async (seq) => {
      const conversation = open();
      return conversation ? client.one(conversation, seq) : null;
    },
    readers: (message) => showReaders(message, parts),
    reacted: (message) => showReactions(message, parts),
    edits: (message) => {
      const conversation = open();
      return conversation && showEdits(message, conversation.dstid, parts);
    },
    addressOf: ({ seq }) => {
      const conversation = open();
      return conversation && seq ? new URL(CHAT + messageHash(conversation, seq, people.me.id), location.origin).href : "";
    },
    preview: previewing(client.rest),
    view: (message) => {
      const conversation = open();
      if (conversation) openViewer(message, { client, people, conversation });
    },
    forward: (message) => forward([wordsOf(message)], parts),
    retry: (cid) => client.retry(cid),
    discard: (cid) => client.discard(cid),
  };
}

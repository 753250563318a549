// What leads to a place in the chat: to a message, or to the search in one conversation.

import { chatIn, messageHash, messageIn } from "./chat-address.js";

/** @import { User } from "../im/types.js" */
/** @import { Talk } from "./talk/talk.js" */
/** @import { Address, Show } from "./types.js" */

/** @type {(one: Address, other: Address) => boolean} */
const same = (one, other) => one.scope === other.scope && one.dstid === other.dstid;

/** The conversation that is open by the page's address. */
function opened() {
  const [scope, dstid] = chatIn(location.hash).map(Number);
  return { scope, dstid };
}

/**
 * `open` shows another conversation; where there is but one, it is `only`.
 * @param {{ user: User, talk: () => Talk, open?: (address: Address) => void, only?: Address }} parts
 * @returns {Pick<Show, "toMessage" | "toMessageAt" | "searchIn">}
 */
export function leadsTo({ user, talk, open = () => {}, only }) {
  const here = () => only ?? opened();
  /** @type {Show["toMessage"]} */
  const toMessage = ({ scope, dstid }, seq) => ({
    href: messageHash({ scope, dstid }, seq, user.id),
    onclick: (/** @type {MouseEvent} */ event) => {
      // In the open chat it is a way within the page, of which the browser's history need know nothing.
      if (event.ctrlKey || event.metaKey || event.shiftKey || !same(here(), { scope, dstid })) return;
      event.preventDefault();
      talk().open(scope, dstid, seq);
    },
  });
  return {
    toMessage,
    toMessageAt: (hash) => {
      const message = messageIn(hash, user.id);
      if (only && !(message && same(only, message))) return null;
      return message ? toMessage(message, message.seq) : { href: hash };
    },
    searchIn: (address) => {
      if (!same(here(), address)) open(address);
      talk().search();
    },
  };
}

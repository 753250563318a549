// The part after "#" of the chat page's address: which chat is open, or whose card.

/**
 * "10" or "11" and the peer's or the group's id, or nothing.
 * @param {string} hash
 */
export const chatIn = (hash) => /^#(10|11):([1-9]\d{0,15})$/.exec(hash)?.slice(1) ?? [];

/**
 * What of a fragment is carried through the log-in: a chat or a contact's card, else "". It is only ever put behind the
 * path of our own chat page, so it can't lead to another site.
 * @param {string} hash
 */
export const carried = (hash) => (chatIn(hash).length || /^#user=\d{1,16}$/.test(hash) ? hash : "");

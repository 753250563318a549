// Addresses in messages come from strangers.

/** The whole address if it is http(s) or a path of this site; null for everything else (javascript:, data:, …). */
export function safeAddress(text) {
  if (typeof text !== "string" || !text.trim()) return null;
  try {
    const url = new URL(text.trim(), location.origin);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** A link that tells the other site nothing and can't reach this window. */
export const LINK = Object.freeze({ target: "_blank", rel: "noopener noreferrer", referrerpolicy: "no-referrer" });

/** What a person reads of an address: host and path, shortened. */
export function shown(address) {
  const url = new URL(address);
  const text = decodeURI(url.host === location.host ? url.pathname : url.host + url.pathname).replace(/\/$/, "");
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

const IN_TEXT = /https?:\/\/[^\s<>"'，。！？、；：）】》]+[^\s<>"'.,;:!?)\]，。！？、；：）】》]/giu;

/** Cuts a text into strings and addresses: `[{text, address?}]`. */
export function addressesIn(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(IN_TEXT)) {
    const address = safeAddress(match[0]);
    if (!address) continue;
    if (match.index > from) parts.push({ text: text.slice(from, match.index) });
    parts.push({ text: match[0], address });
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}

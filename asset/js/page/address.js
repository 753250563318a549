// Addresses in messages come from strangers.

import { linksIn } from "./links.js";
import { BASE } from "./pages.js";

const SHOWN = 60; // characters of an address that are shown
const ESCAPES = /(?:%[0-9a-f]{2})+/giu;
const UNREADABLE = /[\p{C}\p{Z}]/u; // spaces, controls and what changes the direction stay escaped

/**
 * The whole address if it is http(s) or a path of this site; null for everything else (javascript:, data:, …).
 * @param {unknown} text
 */
export function safeAddress(text) {
  const url = parsed(text);
  return url && (url.protocol === "https:" || url.protocol === "http:") ? url.href : null;
}

const FILES = [`${BASE}/mnt/`, `${BASE}/asset/`]; // where this site has files; a picture must ask for nothing else in the reader's name

/**
 * The address of a picture, voice or video if the page may load it: a file of this site, of its store, or by https. Else
 * null: its policy forbids the rest, and browsers load nothing from an address with a password in it.
 * @param {unknown} text
 */
export function mediaAddress(text) {
  const url = parsed(text);
  if (!url || url.username || url.password) return null;
  if (url.origin === location.origin) return FILES.some((folder) => url.pathname.startsWith(folder)) ? url.href : null;
  return url.protocol === "https:" || stores().includes(url.origin) ? url.href : null;
}

/** Other sites that the server names as its store. */
const stores = () => (document.body.dataset.files ?? "").split(" ").map((site) => parsed(site)?.origin);

/** @param {unknown} text */
function parsed(text) {
  if (typeof text !== "string" || !text.trim()) return null;
  try {
    const path = text.trim();
    // A path of the server's is below its base; "//host/…" is none.
    return new URL(/^\/(?!\/)/.test(path) ? BASE + path : path, location.origin);
  } catch {
    return null;
  }
}

/** A link that tells the other site nothing and can't reach this window. */
export const LINK = Object.freeze({ target: "_blank", rel: "noopener noreferrer", referrerpolicy: "no-referrer" });

/**
 * What a person reads of an address: host and path, shortened.
 * @param {string} address
 */
export function shown(address) {
  const url = parsed(address);
  if (!url) return String(address);
  const path = url.pathname.replace(ESCAPES, readable);
  const text = [...(url.host === location.host ? path : url.host + path).replace(/\/$/, "")];
  return text.length > SHOWN ? `${text.slice(0, SHOWN - 3).join("")}…` : text.join("");
}

/**
 * Escapes as what they stand for; as they are where they stand for nothing.
 * @param {string} escapes
 */
function readable(escapes) {
  try {
    const text = decodeURI(escapes);
    return UNREADABLE.test(text) ? escapes : text;
  } catch {
    return escapes;
  }
}

/**
 * Cuts a text into what is an address and what isn't, in order.
 * @param {string} text
 * @returns {{ text: string, address?: string }[]}
 */
export function addressesIn(text) {
  /** @type {{ text: string, address?: string }[]} */
  const parts = [];
  let from = 0;
  for (const link of linksIn(text)) {
    const written = text.slice(link.from, link.to);
    const address = safeAddress(written);
    if (!address) continue;
    if (link.from > from) parts.push({ text: text.slice(from, link.from) });
    parts.push({ text: written, address });
    from = link.to;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}

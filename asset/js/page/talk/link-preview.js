// What the page behind a message's first link says of itself, below the words; where the server reads such pages at all. It is asked
// for when the message comes near the view, and never waited for.

import { LINK } from "../address.js";
import { h } from "../element.js";
import { apart } from "../strangers.js";

/** @import { Rest } from "../../im/index.js" */
/** @typedef {{ title: string, description: string, site: string }} Preview */
/** @typedef {(address: string) => Promise<Preview | null>} Previewing */

const KEPT = 300; // previews that the page keeps
const NEAR = "300px"; // above the view and below it

/**
 * Asks the server, once for each address; null for what has none.
 * @param {Rest} rest
 * @returns {Previewing}
 */
export function previewing(rest) {
  /** @type {Map<string, Promise<Preview | null>>} */
  const asked = new Map();
  return (address) => {
    const known = asked.get(address);
    if (known) return known;
    const found = rest.data("/message/preview", { url: address }).then((one) => (one.title ? one : null), () => { asked.delete(address); return null; });
    asked.set(address, found);
    if (asked.size > KEPT) asked.delete([...asked.keys()][0]);
    return found;
  };
}

/** @type {WeakMap<Element, () => void>} */
const waiting = new WeakMap();
const observer = globalThis.IntersectionObserver && new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    observer.unobserve(target);
    waiting.get(target)?.();
  }
}, { rootMargin: `${NEAR} 0px` });

/**
 * Shows a preview of the first link of a bubble's words, before its foot.
 * @param {HTMLElement} bubble
 * @param {Previewing} preview
 */
export function previewIn(bubble, preview) {
  const link = "previews" in document.body.dataset && bubble.querySelector(".text a[href]");
  if (!(link instanceof HTMLAnchorElement) || link.origin === location.origin || !observer) return;
  waiting.set(bubble, async () => {
    const found = await preview(link.href);
    if (found) bubble.insertBefore(card(link.href, found, link.tabIndex), bubble.querySelector(".foot"));
  });
  observer.observe(bubble);
}

/**
 * @param {string} address
 * @param {Preview} preview
 * @param {number} tabindex as the link has it, which is one with its row (tab-stop.js)
 */
function card(address, { title, description, site }, tabindex) {
  return h("a.link-preview", { href: address, tabindex, ...LINK }, h("small", {}, apart(site || new URL(address).host)), h("b", {}, apart(title)),
    description && h("span", {}, apart(description)));
}

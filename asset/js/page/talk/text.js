// The words of a text message, with their marks (see markdown.js), addresses, mentions and emoji. All of it are elements made here:
// what a stranger wrote is only ever text in them.

import { LINK, addressesIn } from "../address.js";
import { isFewEmoji } from "../characters.js";
import { isMessage } from "../chat-address.js";
import { coloured } from "../code-colours.js";
import { h } from "../element.js";
import { blocksOf } from "../markdown.js";
import { BASE, CHAT } from "../pages.js";

/** @import { Words } from "../../im/types.js" */
/** @import { Child } from "../element.js" */
/** @import { Inline } from "../inline-marks.js" */
/** @import { Block, CodeBlock } from "../markdown.js" */
/** @import { Show } from "../types.js" */
/** @typedef {{ mentions: Words["mentions"], show: Pick<Show, "toMessageAt"> }} About what the words of one message need */

const DIRECTION = Object.freeze({ dir: "auto" }); // as its first letter has it
const TAGS = Object.freeze({ bold: "strong", italic: "em", strike: "del" });

/**
 * What fills the bubble of a text message.
 * @param {Words} message
 * @param {Pick<About, "show">} parts
 */
export function showText({ content = "", mentions }, { show }) {
  const about = { mentions, show };
  if (isFewEmoji(content)) return h("p.text.few-emoji", {}, content);
  const blocks = blocksOf(content);
  const [first] = blocks;
  if (!first) return h("p.text", DIRECTION, content);
  if (blocks.length === 1 && first.kind === "text") return h("p.text", DIRECTION, ...inlines(first.children, about));
  return h("div.text.blocks", {}, ...blocks.map((one) => blockOf(one, about)));
}

/**
 * @param {Block} block
 * @param {About} about
 * @returns {Element}
 */
function blockOf(block, about) {
  switch (block.kind) {
    case "code": return codeBlock(block);
    case "quote": return h("blockquote", {}, ...block.blocks.map((one) => blockOf(one, about)));
    case "list": {
      const items = block.items.map((item) => h("li", DIRECTION, ...item.map((one, at) =>
        (at === 0 && one.kind === "text" ? h("span", {}, ...inlines(one.children, about)) : blockOf(one, about)))));
      return block.start === null ? h("ul", {}, ...items) : h("ol", { start: block.start }, ...items);
    }
    default: return h("p", DIRECTION, ...inlines(block.children, about));
  }
}

/** @param {CodeBlock} block */
function codeBlock({ text, language }) {
  const parts = coloured(text, language).map((part) => (part.colour ? h(`span.${part.colour}`, {}, part.text) : part.text));
  return h("pre", { dir: "ltr" }, h("code", {}, ...parts));
}

/**
 * @param {Inline[]} parts
 * @param {About} about
 * @returns {Child[]}
 */
const inlines = (parts, about) => parts.flatMap((part) => inline(part, about));

/**
 * @param {Inline} part
 * @param {About} about
 * @returns {Child[]}
 */
function inline(part, about) {
  if (typeof part === "string") return withMentions(part, about.mentions);
  if (part.kind === "code") return [h("code", {}, part.text)];
  if ("children" in part) return [h(TAGS[part.kind], {}, ...inlines(part.children, about))];
  return addressesIn(part.text).map(({ text, address }) =>
    (address ? h("a", { href: address, ...LINK, ...ownMessage(address, about.show) }, text) : text));
}

/**
 * The address of a message of this chat leads there in this page.
 * @param {string} address
 * @param {About["show"]} show
 */
function ownMessage(address, show) {
  const { origin, pathname, hash } = new URL(address);
  const here = origin === location.origin && (pathname === CHAT || pathname === `${BASE}/`);
  const way = here && isMessage(hash) ? show.toMessageAt(hash) : null;
  return way ? { target: null, rel: null, referrerpolicy: null, ...way } : {};
}

/**
 * @param {string} text
 * @param {Words["mentions"]} mentions
 */
function withMentions(text, mentions) {
  if (!mentions?.length) return [text];
  return text.split(/(@\S+)/u).map((part) => (/^@./u.test(part) ? h("b.mention", {}, part) : part));
}

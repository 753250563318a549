// The words of a text message, with their marks (see markdown.js), addresses, mentions and emoji. All of it are elements made here:
// what a stranger wrote is only ever text in them.

import { LINK, addressesIn } from "../address.js";
import { isFewEmoji } from "../characters.js";
import { coloured } from "../code-colours.js";
import { h } from "../element.js";
import { blocksOf } from "../markdown.js";

/** @import { Words } from "../../im/types.js" */
/** @import { Child } from "../element.js" */
/** @import { Inline } from "../inline-marks.js" */
/** @import { Block, CodeBlock } from "../markdown.js" */
/** @typedef {Words["mentions"]} Mentions */

const DIRECTION = Object.freeze({ dir: "auto" }); // as its first letter has it
const TAGS = Object.freeze({ bold: "strong", italic: "em", strike: "del" });

/**
 * What fills the bubble of a text message.
 * @param {Words} message
 */
export function showText({ content = "", mentions }) {
  if (isFewEmoji(content)) return h("p.text.few-emoji", {}, content);
  const blocks = blocksOf(content);
  const [first] = blocks;
  if (!first) return h("p.text", DIRECTION, content);
  if (blocks.length === 1 && first.kind === "text") return h("p.text", DIRECTION, ...inlines(first.children, mentions));
  return h("div.text.blocks", {}, ...blocks.map((one) => blockOf(one, mentions)));
}

/**
 * @param {Block} block
 * @param {Mentions} mentions
 * @returns {Element}
 */
function blockOf(block, mentions) {
  switch (block.kind) {
    case "code": return codeBlock(block);
    case "quote": return h("blockquote", {}, ...block.blocks.map((one) => blockOf(one, mentions)));
    case "list": {
      const items = block.items.map((item) => h("li", DIRECTION, ...item.map((one, at) =>
        (at === 0 && one.kind === "text" ? h("span", {}, ...inlines(one.children, mentions)) : blockOf(one, mentions)))));
      return block.start === null ? h("ul", {}, ...items) : h("ol", { start: block.start }, ...items);
    }
    default: return h("p", DIRECTION, ...inlines(block.children, mentions));
  }
}

/** @param {CodeBlock} block */
function codeBlock({ text, language }) {
  const parts = coloured(text, language).map((part) => (part.colour ? h(`span.${part.colour}`, {}, part.text) : part.text));
  return h("pre", { dir: "ltr" }, h("code", {}, ...parts));
}

/**
 * @param {Inline[]} parts
 * @param {Mentions} mentions
 * @returns {Child[]}
 */
const inlines = (parts, mentions) => parts.flatMap((part) => inline(part, mentions));

/**
 * @param {Inline} part
 * @param {Mentions} mentions
 * @returns {Child[]}
 */
function inline(part, mentions) {
  if (typeof part === "string") return withMentions(part, mentions);
  if (part.kind === "code") return [h("code", {}, part.text)];
  if ("children" in part) return [h(TAGS[part.kind], {}, ...inlines(part.children, mentions))];
  return addressesIn(part.text).map(({ text, address }) => (address ? h("a", { href: address, ...LINK }, text) : text));
}

/**
 * @param {string} text
 * @param {Mentions} mentions
 */
function withMentions(text, mentions) {
  if (!mentions?.length) return [text];
  return text.split(/(@\S+)/u).map((part) => (/^@./u.test(part) ? h("b.mention", {}, part) : part));
}

// One line about a message, for lists, quotes and notices: parts of ours, and of theirs (see strangers.js).

import { MEDIA } from "../im/index.js";
import { emojiOf } from "./compose/emoji-list.js";
import { guarded } from "./guarded.js";
import { seconds } from "./moment.js";
import { phrase, oneLine, shortFileName, written } from "./strangers.js";
import { t } from "./words.js";

/** @import { Words } from "../im/types.js" */
/** @import { Part } from "./strangers.js" */
/** @import { ShownMessage } from "./types.js" */
/** @typedef {{ name: (id: number) => string }} Names gives the names that a notice needs */
/** @typedef {Words & Pick<Partial<ShownMessage>, "userid" | "recalled">} Previewed a message, also one that waits */

const NAME_SHOWN = 24; // characters of a file's name in one line
const THEIRS_SHOWN = 300; // characters of a text; a line shows fewer

/** @param {string | undefined} url */
const isUploaded = (url) => url?.startsWith("/mnt/");

/** @param {string | undefined} text */
const theirs = (text) =>
  ({ theirs: oneLine([...String(text ?? "").slice(0, 2 * THEIRS_SHOWN)].slice(0, THEIRS_SHOWN).join("")) });

/** @type {(words: string, text: string | undefined) => Part[]} */
const titled = (words, text) => [words, " ", theirs(text)];

const LINES = new Map(/** @type {[number, (message: Words) => Part[]][]} */ ([
  [MEDIA.TEXT, ({ content }) => [theirs(content)]],
  [MEDIA.NEWS, ({ content }) => titled(t("media.news"), content)],
  [MEDIA.VOICE, ({ amount }) => [`${t("media.voice")} ${seconds(amount)}″`]],
  [MEDIA.IMAGE, ({ url, content }) => {
    if (url?.startsWith("/asset/stickers/")) return [t("media.sticker")];
    return content ? titled(t("media.picture"), content) : [t("media.picture")];
  }],
  [MEDIA.RED_PACKET, ({ memo }) => titled(t("media.red-packet"), memo)],
  [MEDIA.EMOJI, ({ content }) => [emojiOf(content) ?? { theirs: `[${oneLine(content)}]` }]],
  [MEDIA.LINK, (message) => linkLine(message)],
  [MEDIA.VIDEO, () => [t("media.video")]],
  [MEDIA.CONTACT, ({ memo }) => titled(t("media.contact"), memo)],
  [MEDIA.RECALL, () => [t("event.recalled")]],
  [MEDIA.EDIT, ({ content }) => phrase(t("event.edited"), { text: content })],
  [MEDIA.REACTION, ({ content }) => (content ? phrase(t("event.reacted"), { emoji: content }) : [t("event.unreacted")])],
]));

/**
 * @param {Words} message
 * @returns {Part[]}
 */
function linkLine({ url, content }) {
  if (!isUploaded(url) || !content) return titled(t("media.link"), content || url);
  const { stem, ending } = shortFileName(content, NAME_SHOWN);
  return [t("media.file"), " ", theirs(stem), theirs(ending)];
}

/**
 * The line of `message` in parts.
 * @param {Previewed | null | undefined} message
 * @param {Names} people
 * @returns {Part[]}
 */
export function previewParts(message, people) {
  if (!message) return [];
  return guarded(() => lineOf(message, people), () => [t("media.unknown")]);
}

/**
 * The same as one text.
 * @param {Previewed} message
 * @param {Names} people
 */
export const preview = (message, people) => written(previewParts(message, people));

/**
 * @param {Previewed} message
 * @param {Names} people
 */
function lineOf(message, people) {
  if (message.recalled) return [t("event.recalled")];
  if (message.media === MEDIA.NOTICE) return noticeParts(message, people);
  const parts = LINES.get(message.media)?.(message) ?? [theirs(message.content || message.memo)];
  return parts.some((part) => (typeof part === "string" ? part : part.theirs).trim()) ? parts : [t("media.unknown")];
}

const NOTICES = new Map([
  ["created", () => t("notice.created")],
  ["joined", () => t("notice.joined")],
  ["left", () => t("notice.left")],
  ["renamed", () => t("notice.renamed")],
  ["removed", () => t("notice.removed")],
  ["added", () => t("notice.added")],
  ["approved", () => t("notice.approved")],
  ["muted", () => t("notice.muted")],
  ["unmuted", () => t("notice.unmuted")],
  ["icon", () => t("notice.icon")],
  ["about", () => t("notice.about")],
  ["notice", () => t("notice.notice")],
  ["rule-join", () => t("notice.rule")],
  ["rule-history", () => t("notice.rule")],
  ["rule-post", () => t("notice.rule")],
  ["dissolved", () => t("notice.dissolved")],
]);
const ROLE_NOTICES = new Map([
  ["admin", () => t("notice.role.admin")],
  ["member", () => t("notice.role.member")],
  ["owner", () => t("notice.role.owner")],
]);

/**
 * What a notice says, in parts.
 * @param {Previewed} message
 * @param {Names} people
 * @returns {Part[]}
 */
export function noticeParts(message, people) {
  const { content = "", mentions = [] } = message;
  const words = content === "role" ? ROLE_NOTICES.get(message.memo ?? "") : NOTICES.get(content);
  // Of a removed member the memo is the id.
  const whom = message.content === "removed" && Number(message.memo) ? people.name(Number(message.memo)) : message.memo;
  const about = mentions.length ? people.name(mentions[0]) : "";
  if (words) return phrase(words(), { who: people.name(message.userid ?? 0), memo: whom, whom: about });
  const other = oneLine(message.memo || message.content);
  return other.trim() ? [{ theirs: other }] : [t("media.unknown")];
}

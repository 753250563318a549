// How each kind of message is shown.

import { MEDIA } from "../../im/index.js";
import { LINK, mediaAddress, safeAddress, shown } from "../address.js";
import { avatar } from "../avatar.js";
import { isFewEmoji } from "../characters.js";
import { emojiOf } from "../compose/emoji-list.js";
import { h } from "../element.js";
import { guarded } from "../guarded.js";
import { icon } from "../icon.js";
import { apart, fileName, isolated, oneLine, readable, shortFileName } from "../strangers.js";
import { t } from "../words.js";
import { showText } from "./text.js";
import { voicePlayer } from "./voice-player.js";

/** @import { Words } from "../../im/types.js" */
/** @import { ShownMessage } from "../types.js" */
/** @import { RowParts } from "./types.js" */

const LONGEST_EMOJI = 32; // code units; families with skin tones take so many

const SOUND = /^\.(?:mp3|m4a|aac|ogg|oga|opus|wav|flac)$/iu;
const MOVING = /^\.(?:mp4|m4v|webm|mov)$/iu;

const SHOW = new Map(/** @type {[number, (message: ShownMessage, parts: RowParts) => Element][]} */ ([
  [MEDIA.TEXT, showText],
  [MEDIA.NEWS, showNews],
  [MEDIA.VOICE, (message) => voicePlayer(mediaAddress(message.url), message.amount)],
  [MEDIA.IMAGE, showImage],
  [MEDIA.RED_PACKET, showRedPacket],
  [MEDIA.EMOJI, showEmoji],
  [MEDIA.LINK, showLink],
  [MEDIA.VIDEO, showVideo],
  [MEDIA.CONTACT, showContact],
]));

/**
 * What fills the bubble of `message`; `parts` open what can be opened from it.
 * @param {ShownMessage} message
 * @param {RowParts} parts
 */
export function showMedia(message, parts) {
  const draw = SHOW.get(message.media) ?? showUnknown;
  return guarded(() => draw(message, parts), () => showPlain(message));
}

/**
 * A name of the list as its emoji, and what other clients send as it is, as long as it may be one.
 * @param {Words} message
 */
function showEmoji({ content }) {
  const emoji = emojiOf(content) ?? content ?? "";
  return emoji.length > LONGEST_EMOJI ? h("p.text", {}, emoji) : h("p.big-emoji", {}, apart(emoji));
}

/**
 * Kinds that look better without a bubble around them.
 * @param {ShownMessage} message
 */
export function isBare(message) {
  if (message.recalled || message.ref || (message.media === MEDIA.IMAGE && message.content)) return false;
  if (message.media === MEDIA.TEXT) return isFewEmoji(message.content ?? "");
  return message.media === MEDIA.EMOJI || message.media === MEDIA.IMAGE || message.media === MEDIA.VIDEO;
}

/** @param {Words} message */
function showNews({ content, pic, url, memo }) {
  const picture = mediaAddress(pic);
  const address = safeAddress(url);
  const image = picture && h("img", { src: picture, alt: "", loading: "lazy", referrerpolicy: "no-referrer" });
  if (image) image.addEventListener("error", () => image.remove(), { once: true });
  return h(address ? "a.news" : "div.news", address ? { href: address, ...LINK } : {}, image,
    h("span.news-words", {}, h("b", {}, content ? apart(content) : t("media.news")), memo && h("small", {}, apart(memo))));
}

/**
 * @param {ShownMessage} message
 * @param {RowParts} parts
 */
function showImage(message, { view }) {
  const address = mediaAddress(message.url);
  if (!address) return showUnknown(message);
  const sticker = message.url?.startsWith("/asset/stickers/");
  const name = isolated(message.memo) || (sticker ? t("media.sticker") : t("media.picture"));
  const image = h("img", { src: mediaAddress(message.pic) ?? address, alt: name, referrerpolicy: "no-referrer" });
  image.addEventListener("error", () => {
    if (image.src !== address) image.src = address; // the small one is missing
    else frame.replaceWith(linkCard(address, t("media.picture")));
  });
  const open = () => (sticker ? null : view(message));
  const attributes = { type: "button", "aria-label": name, onclick: open };
  const frame = h(`button.picture${sticker ? ".sticker" : ""}`, attributes, image);
  if (!message.content || sticker) return frame;
  return h("div.captioned", {}, frame, h("p.text", {}, message.content));
}

/** @param {Words} message */
function showRedPacket({ url, amount, memo }) {
  const address = safeAddress(url);
  const yuan = (Math.max(0, Number(amount) || 0) / 100).toFixed(2);
  return h(address ? "a.red-packet" : "div.red-packet", address ? { href: address, ...LINK } : {},
    h("span.red-packet-seal", { "aria-hidden": "true" }, "¥"),
    h("span.red-packet-words", {}, h("b", {}, memo ? apart(memo) : t("media.red-packet.wish")), h("small", {}, `¥ ${yuan}`)),
    h("small.red-packet-foot", {}, t("media.red-packet")));
}

/** @param {Words} message */
function showLink(message) {
  const address = safeAddress(message.url);
  if (!address) return showUnknown(message);
  return isFile(message) ? file(address, message) : linkCard(address, message.content, message.memo);
}

/**
 * An uploaded file, here or in an object store: then the size in the memo tells it from other links.
 * @param {Pick<Words, "url" | "memo">} message
 */
export const isFile = ({ url, memo }) => url?.startsWith("/mnt/") || /^[\d.]+ [KM]?B$/.test(memo ?? "");

/**
 * @param {string} address
 * @param {string} [title]
 * @param {string} [memo]
 */
function linkCard(address, title, memo) {
  const below = memo || (title ? shown(address) : t("media.link"));
  return h("a.card", { href: address, ...LINK }, h("span.card-icon", {}, icon("link")),
    h("span.card-words", {}, h("b", {}, apart(title || shown(address))), h("small", {}, apart(below))));
}

/**
 * A file; one that is sound or moving pictures can also be played in place.
 * @param {string} address
 * @param {Words} message
 */
function file(address, message) {
  const card = fileCard(address, message);
  const { ending } = fileName(message.content);
  const source = mediaAddress(message.url);
  const tag = SOUND.test(ending) ? "audio" : MOVING.test(ending) ? "video" : null;
  if (!tag || !source) return card;
  const player = h(tag, { src: source, controls: true, preload: "metadata", playsinline: true, "aria-label": isolated(message.content) });
  if (tag === "video") player.className = "video";
  player.addEventListener("error", () => player.remove(), { once: true });
  return h("div.played", {}, card, player);
}

/**
 * @param {string} address
 * @param {Words} message
 */
function fileCard(address, { content, memo }) {
  const { name } = fileName(content);
  const { stem, ending } = shortFileName(content);
  const short = /^\.([a-z0-9]{1,5})$/i.exec(ending)?.[1];
  const title = name ? [apart(stem), ending && apart(ending)] : [apart(shown(address))];
  return h("a.card.file", { href: address, download: name, title: name && isolated(name), ...LINK },
    h("span.card-icon", {}, short ? h("b.ending", {}, short) : icon("file")),
    h("span.card-words", {}, h("b.file-name", {}, ...title), h("small", {}, memo ? apart(memo) : t("media.file"))));
}

/** @param {Words} message */
function showVideo(message) {
  const address = mediaAddress(message.url);
  if (!address) return showUnknown({ media: message.media, url: message.url });
  const poster = mediaAddress(message.pic);
  return h("video.video", { src: address, poster, controls: true, preload: "metadata", playsinline: true });
}

/**
 * @param {ShownMessage} message
 * @param {RowParts} parts
 */
function showContact(message, { show }) {
  return h("button.card.contact", { type: "button", onclick: () => show.contact(message) },
    avatar({ id: Number(message.content), name: message.memo ?? "", picture: message.pic }),
    h("span.card-words", {}, h("b", {}, apart(readable(message.memo || message.content, message.content ?? ""))), h("small", {}, t("media.contact"))));
}

/**
 * What can be read of a message when nothing better can be made of it.
 * @param {Words} message
 */
function showPlain(message) {
  return h("p.text.unknown.undrawn", {}, t("row.undrawn"), " ", apart(plainText(message)));
}

/**
 * The text of a message, whatever kind it is.
 * @param {Pick<Words, "content" | "memo" | "url" | "pic">} message
 */
export function plainText({ content, memo, url, pic }) {
  return [content, memo, url, pic].filter((part) => typeof part === "string" && part.trim()).map(oneLine).join(" · ");
}

/** @param {Words} message */
function showUnknown(message) {
  const address = safeAddress(message.url);
  if (address) return linkCard(address, message.content, message.memo);
  return h("p.text.unknown", {}, message.content || message.memo || message.url || t("media.unknown"));
}

// How each kind of message is shown.

import { MEDIA } from "../../im/index.js";
import { LINK, addressesIn, safeAddress, shown } from "../address.js";
import { avatar } from "../avatar.js";
import { EMOJI } from "../compose/emoji-list.js";
import { h } from "../element.js";
import { icon } from "../icon.js";
import { t } from "../words.js";
import { openLightbox } from "./lightbox.js";
import { voicePlayer } from "./voice-player.js";

const SHOW = {
  [MEDIA.TEXT]: showText,
  [MEDIA.NEWS]: showNews,
  [MEDIA.VOICE]: (message) => voicePlayer(safeAddress(message.url), message.amount),
  [MEDIA.IMAGE]: showImage,
  [MEDIA.RED_PACKET]: showRedPacket,
  [MEDIA.EMOJI]: (message) => h("p.big-emoji", {}, EMOJI[message.content] ?? message.content ?? ""),
  [MEDIA.LINK]: showLink,
  [MEDIA.VIDEO]: showVideo,
  [MEDIA.CONTACT]: showContact,
};

/** What fills the bubble of `message`; `app` opens what can be opened from it. */
export function showMedia(message, app) {
  return (SHOW[message.media] ?? showUnknown)(message, app);
}

/** Kinds that look better without a bubble around them. */
export function isBare(message) {
  if (message.recalled || message.ref) return false;
  return message.media === MEDIA.EMOJI || message.media === MEDIA.IMAGE || message.media === MEDIA.VIDEO;
}

function showText(message) {
  const parts = addressesIn(message.content ?? "").map(({ text, address }) =>
    address ? h("a", { href: address, ...LINK }, text) : withMentions(text, message.mentions));
  return h("p.text", {}, ...parts.flat());
}

function withMentions(text, mentions) {
  if (!mentions?.length) return [text];
  return text.split(/(@\S+)/u).map((part) => (/^@./u.test(part) ? h("b.mention", {}, part) : part));
}

function showNews({ content, pic, url, memo }) {
  const picture = safeAddress(pic);
  const address = safeAddress(url);
  return h(address ? "a.news" : "div.news", address ? { href: address, ...LINK } : {},
    picture && h("img", { src: picture, alt: "", loading: "lazy", referrerpolicy: "no-referrer" }),
    h("span.news-words", {}, h("b", {}, content || t("media.news")), memo && h("small", {}, memo)));
}

function showImage(message) {
  const address = safeAddress(message.url);
  if (!address) return showUnknown(message);
  const sticker = message.url.startsWith("/asset/stickers/");
  const name = message.memo || (sticker ? t("media.sticker") : t("media.picture"));
  const image = h("img", { src: safeAddress(message.pic) ?? address, alt: name, referrerpolicy: "no-referrer" });
  image.addEventListener("error", () => frame.replaceWith(linkCard(address, t("media.picture"))), { once: true });
  const open = () => (sticker ? null : openLightbox(address, name));
  const attributes = { type: "button", "aria-label": name, onclick: open };
  const frame = h(`button.picture${sticker ? ".sticker" : ""}`, attributes, image);
  return frame;
}

function showRedPacket({ url, amount, memo }) {
  const address = safeAddress(url);
  const yuan = (Math.max(0, Number(amount) || 0) / 100).toFixed(2);
  return h(address ? "a.red-packet" : "div.red-packet", address ? { href: address, ...LINK } : {},
    h("span.red-packet-seal", { "aria-hidden": "true" }, "¥"),
    h("span.red-packet-words", {}, h("b", {}, memo || t("media.red-packet.wish")), h("small", {}, `¥ ${yuan}`)),
    h("small.red-packet-foot", {}, t("media.red-packet")));
}

function showLink(message) {
  const address = safeAddress(message.url);
  if (!address) return showUnknown(message);
  return isFile(message) ? fileCard(address, message) : linkCard(address, message.content, message.memo);
}

/** An uploaded file, here or in an object store: then the size in the memo tells it from other links. */
const isFile = ({ url, memo }) => url.startsWith("/mnt/") || /^[\d.]+ [KM]?B$/.test(memo ?? "");

function linkCard(address, title, memo) {
  const below = memo || (title ? shown(address) : t("media.link"));
  return h("a.card", { href: address, ...LINK }, h("span.card-icon", {}, icon("link")),
    h("span.card-words", {}, h("b", {}, title || shown(address)), h("small", {}, below)));
}

function fileCard(address, { content, memo }) {
  const ending = /\.([a-z0-9]{1,5})$/i.exec(content ?? "")?.[1] ?? "";
  return h("a.card.file", { href: address, download: content || "", ...LINK },
    h("span.card-icon", {}, ending ? h("b.ending", {}, ending) : icon("file")),
    h("span.card-words", {}, h("b", {}, content || shown(address)), h("small", {}, memo || t("media.file"))));
}

function showVideo({ url, pic }) {
  const address = safeAddress(url);
  if (!address) return showUnknown({});
  const poster = safeAddress(pic);
  return h("video.video", { src: address, poster, controls: true, preload: "metadata", playsinline: true });
}

function showContact(message, app) {
  const card = h("button.card.contact", { type: "button", onclick: () => app.lookUp(message) },
    avatar({ id: Number(message.content) || 0, name: message.memo ?? "", picture: message.pic }),
    h("span.card-words", {}, h("b", {}, message.memo || message.content || ""), h("small", {}, t("media.contact"))));
  return card;
}

function showUnknown(message) {
  const address = safeAddress(message.url);
  if (address) return linkCard(address, message.content, message.memo);
  return h("p.text.unknown", {}, message.content || message.memo || t("media.unknown"));
}

// One line about a message, for lists, quotes and notices.

import { MEDIA } from "../im/index.js";
import { EMOJI } from "./compose/emoji-list.js";
import { t } from "./words.js";

const isUploaded = (url) => url?.startsWith("/mnt/");

const LINES = {
  [MEDIA.TEXT]: (message) => message.content,
  [MEDIA.NEWS]: (message) => `${t("media.news")} ${message.content ?? ""}`,
  [MEDIA.VOICE]: (message) => `${t("media.voice")} ${message.amount ?? 0}″`,
  [MEDIA.IMAGE]: (message) => (message.url?.startsWith("/asset/stickers/") ? t("media.sticker") : t("media.picture")),
  [MEDIA.RED_PACKET]: (message) => `${t("media.red-packet")} ${message.memo ?? ""}`,
  [MEDIA.EMOJI]: (message) => EMOJI[message.content] ?? `[${message.content ?? ""}]`,
  [MEDIA.LINK]: ({ url, content }) => `${isUploaded(url) ? t("media.file") : t("media.link")} ${content ?? url ?? ""}`,
  [MEDIA.VIDEO]: () => t("media.video"),
  [MEDIA.CONTACT]: (message) => `${t("media.contact")} ${message.memo ?? ""}`,
  [MEDIA.RECALL]: () => t("event.recalled"),
  [MEDIA.EDIT]: (message) => t("event.edited", { text: message.content ?? "" }),
  [MEDIA.REACTION]: ({ content }) => (content ? t("event.reacted", { emoji: content }) : t("event.unreacted")),
};

/** `people` gives the names that a notice needs. */
export function preview(message, people) {
  if (!message) return "";
  if (message.recalled) return t("event.recalled");
  if (message.media === MEDIA.NOTICE) return notice(message, people);
  const line = LINES[message.media]?.(message) ?? message.content ?? message.memo ?? "";
  return line.trim() || t("media.unknown");
}

const NOTICES = {
  created: (values) => t("notice.created", values),
  joined: (values) => t("notice.joined", values),
  left: (values) => t("notice.left", values),
  renamed: (values) => t("notice.renamed", values),
  removed: (values) => t("notice.removed", values),
};

export function notice(message, people) {
  // Of a removed member the memo is the id.
  const whom = message.content === "removed" ? people.name(Number(message.memo)) : message.memo;
  const values = { who: people.name(message.userid), memo: whom ?? "" };
  return NOTICES[message.content]?.(values) ?? message.memo ?? message.content ?? "";
}

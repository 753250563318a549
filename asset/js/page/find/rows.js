// What is shown of what was found: people, groups, chats and messages as rows that lead to them.

import { CMD, MEDIA } from "../../im/index.js";
import { avatar } from "../avatar.js";
import { h } from "../element.js";
import { icon } from "../icon.js";
import { stamp, when, whole } from "../moment.js";
import { preview } from "../preview.js";
import { apart, oneLine } from "../strangers.js";
import { isFile } from "../talk/media.js";
import { excerpt } from "./fold.js";

/** @import { Found, Message } from "../../im/types.js" */
/** @import { People } from "../people.js" */
/** @import { Address, Show } from "../types.js" */

/**
 * Who or what a conversation is with.
 * @param {Address} conversation
 * @param {People} people
 */
export function facesOf({ scope, dstid }, people) {
  const group = scope === CMD.GROUP;
  const { name, picture } = group
    ? { name: people.group(dstid).name, picture: people.group(dstid).icon }
    : { name: people.user(dstid).nickname, picture: people.user(dstid).avatar };
  return { id: dstid, name, picture, group };
}

/**
 * A text in one line, in which what was looked for is marked.
 * @param {string} text
 * @param {string[]} pieces
 */
export const marked = (text, pieces) =>
  h("bdi", {}, ...excerpt(oneLine(text), pieces).map((part) => (part.marked ? h("mark", {}, part.text) : part.text)));

/**
 * A conversation, a friend or a group, with `words` below its name.
 * @param {{ href: string, face: ReturnType<typeof facesOf>, words: string, pieces: string[] }} parts
 */
export function chatRow({ href, face, words, pieces }) {
  return h("li", {}, h("a.row", { href }, avatar(face, { size: "small", group: face.group }),
    h("span.row-words", {}, h("b", {}, marked(face.name, pieces)), words && h("span.row-last", {}, marked(words, pieces)))));
}

/**
 * What can be read of a message, in one line.
 * @param {Message} message
 * @param {People} people
 */
export function lineOf(message, people) {
  const { media, content, memo } = message;
  if (media === MEDIA.TEXT) return content ?? "";
  if (isFile(message)) return content || memo || "";
  return [preview(message, people), memo].filter(Boolean).join(" · ");
}

/**
 * A message that was found, below the name of its conversation.
 * @param {Found} message
 * @param {{ people: People, show: Show, pieces: string[] }} parts
 */
export function messageRow(message, { people, show, pieces }) {
  return h("li", {}, h("a.row.hit", show.toMessage(message, message.seq),
    h("span.row-words", {}, h("span.row-top", {}, h("b", {}, apart(people.name(message.userid))), timeOf(message)),
      h("span.hit-words", {}, marked(lineOf(message, people), pieces)))));
}

/**
 * A file that was found.
 * @param {Found} message
 * @param {{ people: People, show: Show, pieces: string[] }} parts
 */
export function fileRow(message, { people, show, pieces }) {
  const { name } = facesOf(message, people);
  return h("li", {}, h("a.row.hit", show.toMessage(message, message.seq), h("span.card-icon", {}, icon("file")),
    h("span.row-words", {}, h("span.row-top", {}, h("b", {}, marked(message.content ?? "", pieces)), timeOf(message)),
      h("span.row-last", {}, apart(people.name(message.userid)), " · ", apart(name), message.memo ? [" · ", apart(message.memo)] : null))));
}

/** @param {Message} message */
export const timeOf = ({ at }) => h("time", { datetime: stamp(at), title: whole(at) }, when(at));

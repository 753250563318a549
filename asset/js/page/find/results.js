// What the window for finding shows: the parts of it, as rows of a list that are built when they look different.

import { CMD } from "../../im/index.js";
import { avatar } from "../avatar.js";
import { button } from "../button.js";
import { h } from "../element.js";
import { icon } from "../icon.js";
import { previewParts } from "../preview.js";
import { apart, oneLine, written } from "../strangers.js";
import { isFile } from "../talk/media.js";
import { t } from "../words.js";
import { fold, hasAll, piecesOf } from "./fold.js";
import { FIRST, byConversation, ranked } from "./grouping.js";
import { chatRow, facesOf, fileRow, messageRow } from "./rows.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Found } from "../../im/types.js" */
/** @import { Row } from "../keyed-list.js" */
/** @import { People } from "../people.js" */
/** @import { Address, Show } from "../types.js" */
/** @import { Group } from "./grouping.js" */

/**
 * `opened` are the parts of which more than the first rows are shown, by their keys; `open(key)` adds one and draws. `kept` are
 * the rows of messages by how they look: a part that gets more of them is built anew, but not its rows.
 * @typedef {{ client: Client, people: People, show: Show, opened: Set<string>, open: (key: string) => void,
 *   kept: Map<string, Element> }} Parts
 */

const RECENT = 8; // chats that are offered before anything is written
const FEW = 5; // rows of a part that are shown before more of them are asked for
const MANY = 40; // and after
const NUMBER = /^\+?\d{3,20}$/;
const KEPT_BOUND = 500; // rows of messages that are kept
const FOLDED_BOUND = 5000; // folded names that are kept

/** @type {Map<string, string>} */
const folded = new Map();

/** @param {string} name */
function foldedName(name) {
  const known = folded.get(name);
  if (known !== undefined) return known;
  if (folded.size >= FOLDED_BOUND) folded.clear();
  const made = fold(name);
  folded.set(name, made);
  return made;
}

/**
 * A part with a heading and rows.
 * @param {string} key
 * @param {unknown} facts all that is drawn
 * @param {string} title
 * @param {() => Element[]} rows
 * @param {Element | null} [more]
 * @returns {Row}
 */
const part = (key, facts, title, rows, more = null) => ({ key, look: JSON.stringify(facts), build: () =>
  h("section.find-part", { "aria-label": title }, h("h3.list-title", {}, title), h("ul.list", {}, ...rows()), more) });

/**
 * @param {string} key
 * @param {number} count
 * @param {Parts} parts
 */
const all = (key, count, { open }) => button(t("find.all", { count }), () => open(key));

/**
 * The parts that need no server: chats, people and groups by their names.
 * @param {string} words
 * @param {Parts} parts
 * @returns {Row[]}
 */
export function named(words, parts) {
  const { client, people, show } = parts;
  const pieces = piecesOf(words);
  const conversations = client.conversations().map(({ scope, dstid, last }) => ({ scope, dstid, last }));
  if (!words) {
    const recent = conversations.slice(0, RECENT).map((one) => ({ ...one, words: written(previewParts(one.last, people)) }));
    return recent.length ? [chats("recent", t("find.recent"), recent, [], parts)] : [];
  }
  const known = new Set(conversations.map(({ scope, dstid }) => `${scope}:${dstid}`));
  /** @param {number} scope */
  const others = (scope) => (/** @type {number} */ id) => ({ scope, dstid: id });
  const friends = people.friends.map(others(CMD.SINGLE)).filter(({ dstid }) => !known.has(`${CMD.SINGLE}:${dstid}`));
  const groups = people.groups.map(({ id }) => id).map(others(CMD.GROUP)).filter(({ dstid }) => !known.has(`${CMD.GROUP}:${dstid}`));
  /** @param {Address[]} items */
  const found = (items) => ranked(items, (one) => namesOf(one, people), rankBy(pieces)).map((one) => ({ ...one, words: elseOf(one, people) }));
  const sections = [
    { key: "chats", title: t("find.chats"), items: found(conversations) },
    { key: "people", title: t("find.people"), items: found(friends) },
    { key: "groups", title: t("find.groups"), items: found(groups) },
  ];
  const number = words.replaceAll(/[\s()/.-]/g, "");
  return [
    ...sections.filter(({ items }) => items.length).map(({ key, title, items }) => chats(key, title, items, pieces, parts)),
    ...(NUMBER.test(number) ? [{ key: "number", look: number, build: () => numberRow(number, show) }] : []),
  ];
}

/** @type {(pieces: string[]) => (name: string) => number} */
const rankBy = (pieces) => (name) => {
  const own = foldedName(name);
  if (!hasAll(own, pieces)) return -1;
  return own.startsWith(pieces[0]) ? 0 : 1;
};

/**
 * @param {Address} conversation
 * @param {People} people
 */
function namesOf({ scope, dstid }, people) {
  if (scope === CMD.GROUP) return [people.group(dstid).name];
  const { nickname, ownName } = people.user(dstid);
  return ownName ? [nickname, ownName] : [nickname];
}

/**
 * What else somebody is called than by the name I gave them.
 * @param {Address} conversation
 * @param {People} people
 */
function elseOf({ scope, dstid }, people) {
  if (scope === CMD.GROUP) return oneLine(people.group(dstid).memo);
  const { nickname, ownName, memo } = people.user(dstid);
  return oneLine(ownName && ownName !== nickname ? ownName : memo);
}

/**
 * @param {string} key
 * @param {string} title
 * @param {(Address & { words: string })[]} items
 * @param {string[]} pieces
 * @param {Parts} parts
 */
function chats(key, title, items, pieces, parts) {
  const few = items.slice(0, parts.opened.has(key) ? MANY : FEW + (key === "recent" ? RECENT : 0));
  const rows = few.map((one) => ({ href: `#${one.scope}:${one.dstid}`, face: facesOf(one, parts.people), words: one.words, pieces }));
  const more = items.length > few.length && few.length < MANY ? all(key, Math.min(items.length, MANY), parts) : null;
  return part(key, [rows, items.length], title, () => rows.map(chatRow), more);
}

/**
 * Looking somebody up by a number is done on this press alone: the server counts such searches.
 * @param {string} number
 * @param {Show} show
 */
const numberRow = (number, show) => h("ul.list.find-part", {}, h("li", {}, h("button.row", { type: "button", onclick: () => show.addFriend(number) },
  h("span.card-icon", {}, icon("friend")), h("span.row-words", {}, h("b", {}, t("find.number", { number })),
    h("span.row-last", {}, t("find.number-why"))))));

/**
 * The messages and files that were found.
 * @param {Found[]} rows
 * @param {Found[]} files more of them, of a search for files alone
 * @param {string} words that they have
 * @param {Parts} parts
 * @returns {Row[]}
 */
export function said(rows, files, words, parts) {
  const pieces = piecesOf(words);
  const shownFiles = eachOnce([...rows.filter(isFile), ...files.filter(isFile)]);
  const groups = byConversation(rows.filter((row) => !isFile(row)));
  return [
    ...(shownFiles.length ? [filesPart(shownFiles, pieces, parts)] : []),
    ...(groups.length ? [{ key: "messages", look: "", build: () => h("h3.list-title.find-messages", {}, t("find.messages")) }] : []),
    ...groups.map((group) => groupPart(group, pieces, parts)),
  ];
}

/** @param {Found[]} rows */
function eachOnce(rows) {
  const byName = new Map(rows.map((row) => [`${row.scope}:${row.dstid}:${row.seq}`, row]));
  return [...byName.values()].sort((a, b) => b.at - a.at);
}

/**
 * @param {Found} row
 * @param {People} people
 */
const factsOf = ({ scope, dstid, seq, edited, userid }, people) => [scope, dstid, seq, edited, people.name(userid)];

/**
 * @param {Found} row
 * @param {string[]} pieces
 * @param {Parts} parts
 */
function rowOf(row, pieces, parts) {
  const look = JSON.stringify([factsOf(row, parts.people), pieces]);
  const kept = parts.kept.get(look);
  if (kept) return kept;
  const made = messageRow(row, { ...parts, pieces });
  if (parts.kept.size >= KEPT_BOUND) parts.kept.clear();
  parts.kept.set(look, made);
  return made;
}

/**
 * @param {Found[]} rows
 * @param {string[]} pieces
 * @param {Parts} parts
 */
function filesPart(rows, pieces, parts) {
  const few = rows.slice(0, parts.opened.has("files") ? MANY : FEW);
  const more = rows.length > few.length && few.length < MANY ? all("files", Math.min(rows.length, MANY), parts) : null;
  const facts = [few.map((row) => [factsOf(row, parts.people), facesOf(row, parts.people).name]), rows.length, pieces];
  return part("files", facts, t("find.files"), () => few.map((row) => fileRow(row, { ...parts, pieces })), more);
}

/**
 * @param {Group} group
 * @param {string[]} pieces
 * @param {Parts} parts
 * @returns {Row}
 */
function groupPart({ key, scope, dstid, rows }, pieces, parts) {
  const { people } = parts;
  const name = `messages ${key}`;
  const face = facesOf({ scope, dstid }, people);
  const few = parts.opened.has(name) ? rows : rows.slice(0, FIRST);
  const more = () => few.length < rows.length && all(name, rows.length, parts);
  return { key: name, look: JSON.stringify([face, few.map((row) => factsOf(row, people)), rows.length, pieces]), build: () =>
    h("section.find-part.find-group", { "aria-label": oneLine(face.name) },
      h("h4.find-who", {}, avatar(face, { size: "small", group: face.group }), apart(face.name)),
      h("ul.list", {}, ...few.map((row) => rowOf(row, pieces, parts))), more()) };
}

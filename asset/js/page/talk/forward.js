// Sending a message on: a list of chats, friends and groups to choose from.

import { CMD, keyOf } from "../../im/index.js";
import { avatar } from "../avatar.js";
import { rowButton } from "../button.js";
import { keepDrawn, openDialog } from "../dialog.js";
import { h } from "../element.js";
import { KeyedList } from "../keyed-list.js";
import { apart, drawn, phrase } from "../strangers.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Words } from "../../im/types.js" */
/** @import { People } from "../people.js" */
/** @import { Address, ShownMessage } from "../types.js" */
/** @typedef {Address & { name: string, picture: string }} Target */

const SHOWN = 100; // targets at once; more are found by their names

/**
 * Asks where to, and sends it there.
 * @param {ShownMessage} message
 * @param {{ client: Client, people: People }} parts
 */
export function showForward(message, { client, people }) {
  const list = h("ul.list");
  const rows = new KeyedList(list);
  const nothing = h("p", { role: "status", hidden: true }, t("message.forward-nobody"));
  const input = h("input.filter", { type: "search", "aria-label": t("message.forward-filter"), placeholder: t("message.forward-filter"), autocomplete: "off" });
  const draw = () => {
    const words = input.value.trim().toLowerCase();
    const found = targetsOf(client, people).filter(({ name }) => name.toLowerCase().includes(words)).slice(0, SHOWN);
    rows.show(found.map((one) => ({ key: keyOf(one.scope, one.dstid), look: JSON.stringify(one), plain: one.name, build: () => rowOf(one, send) })));
    nothing.hidden = found.length > 0;
  };
  /** @param {Target} target */
  const send = ({ scope, dstid, name }) => {
    box.close();
    try {
      client.send(scope, dstid, sentOn(message));
      toast(drawn(phrase(t("message.forwarded"), { name })));
    } catch (error) {
      toast(reason(error), "bad");
    }
  };
  input.addEventListener("input", draw);
  const box = openDialog(t("message.forward"), input, list, nothing);
  keepDrawn(box, people.changes, draw);
}

/**
 * Where something can be sent: the chats in their order, then friends and groups without one.
 * @param {Client} client
 * @param {People} people
 * @returns {Target[]}
 */
function targetsOf(client, people) {
  const chats = client.conversations().map(({ scope, dstid }) => ({ scope, dstid }));
  const friends = people.friends.map((dstid) => ({ scope: CMD.SINGLE, dstid }));
  const groups = people.groups.filter(({ dissolved }) => !dissolved).map(({ id }) => ({ scope: CMD.GROUP, dstid: id }));
  const all = new Map([...chats, ...friends, ...groups].map((one) => [keyOf(one.scope, one.dstid), one]));
  return [...all.values()].map(({ scope, dstid }) => {
    if (scope === CMD.GROUP) return { scope, dstid, name: people.group(dstid).name, picture: people.group(dstid).icon };
    const { nickname, avatar: picture } = people.user(dstid);
    return { scope, dstid, name: nickname, picture };
  });
}

/**
 * @param {Target} target
 * @param {(target: Target) => void} send
 */
function rowOf(target, send) {
  const { scope, dstid, name, picture } = target;
  return h("li", {}, rowButton(() => send(target), avatar({ id: dstid, name, picture }, { group: scope === CMD.GROUP }),
    h("span.row-words", {}, h("b", {}, apart(name)))));
}

/**
 * What of a message goes on: what it says and carries. Whom it answered or named belongs to where it was said.
 * @param {ShownMessage} message
 * @returns {Words}
 */
function sentOn({ media, content, pic, url, memo, amount }) {
  return { media, ...(content && { content }), ...(pic && { pic }), ...(url && { url }), ...(memo && { memo }), ...(amount && { amount }) };
}

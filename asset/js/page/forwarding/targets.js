// Where several messages are to be sent on: chats, friends and groups, of which several are chosen.

import { CMD, keyOf } from "../../im/index.js";
import { groupAvatar, userAvatar } from "../avatar.js";
import { button } from "../button.js";
import { keepDrawn, openDialog } from "../dialog.js";
import { h } from "../element.js";
import { KeyedList } from "../keyed-list.js";
import { apart } from "../strangers.js";
import { t } from "../words.js";

/** @import { Client } from "../../im/index.js" */
/** @import { People } from "../people.js" */
/** @import { Address } from "../types.js" */

const SHOWN = 100; // rows at once; others are found by their names
const MOST = 20; // conversations at once

/**
 * Asks where to; `send` gets what was chosen, in the order of choosing.
 * @param {{ client: Client, people: People, send: (conversations: Address[]) => void }} parts
 */
export function chooseTargets({ client, people, send }) {
  /** @type {Map<string, Address>} */
  const chosen = new Map();
  const list = h("ul.list.target-list");
  const rows = new KeyedList(list);
  const filter = h("input.target-filter", { type: "search", "aria-label": t("select.filter"), placeholder: t("select.filter"), autocomplete: "off" });
  const told = h("span", { role: "status" });
  const go = button(t("select.forward"), () => { box.close(); send([...chosen.values()]); }, ".primary");
  const look = () => {
    told.textContent = chosen.size ? t("select.count", { count: chosen.size }) : "";
    go.disabled = !chosen.size;
    for (const box of list.querySelectorAll("input")) box.disabled = chosen.size >= MOST && !box.checked;
  };
  const draw = () => {
    const words = filter.value.trim().toLowerCase();
    const found = all(client, people).filter(({ name }) => name.toLowerCase().includes(words)).slice(0, SHOWN);
    rows.show(found.map((one) => ({ key: keyOf(one.scope, one.dstid), look: one.name, plain: one.name,
      build: () => row(one, people, chosen, look) })));
    look();
  };
  filter.addEventListener("input", draw);
  const box = openDialog(t("select.where"), filter, list, h("div.dialog-buttons.target-foot", {}, told, go));
  keepDrawn(box, people.changes, draw);
}

/**
 * The chats in their order, then friends and groups without one.
 * @param {Client} client
 * @param {People} people
 */
function all(client, people) {
  const found = [...client.conversations().map(({ scope, dstid }) => ({ scope, dstid })),
    ...people.friends.map((dstid) => ({ scope: CMD.SINGLE, dstid })),
    ...people.groups.filter(({ dissolved }) => !dissolved).map(({ id }) => ({ scope: CMD.GROUP, dstid: id }))];
  const once = new Map(found.map((one) => [keyOf(one.scope, one.dstid), one]));
  return [...once.values()].map((one) =>
    ({ ...one, name: one.scope === CMD.GROUP ? people.group(one.dstid).name : people.name(one.dstid) }));
}

/**
 * @param {Address & { name: string }} target
 * @param {People} people
 * @param {Map<string, Address>} chosen
 * @param {() => void} look
 */
function row({ scope, dstid, name }, people, chosen, look) {
  const key = keyOf(scope, dstid);
  const box = h("input", { type: "checkbox", checked: chosen.has(key) });
  box.addEventListener("change", () => {
    if (box.checked) chosen.set(key, { scope, dstid });
    else chosen.delete(key);
    look();
  });
  const face = scope === CMD.GROUP ? groupAvatar(people.group(dstid)) : userAvatar(people.user(dstid));
  return h("li", {}, h("label.row", {}, face, h("span.row-words", {}, h("b", {}, apart(name))), box));
}

// A group: its members, and what its owner and its members can do with it.

import { CMD } from "../../im/index.js";
import { groupAvatar, userAvatar } from "../avatar.js";
import { botBadge } from "../bot-badge.js";
import { button, rowButton } from "../button.js";
import { closeDialogs, confirmed, entitle, field, form, keepDrawn, openDialog } from "../dialog.js";
import { fill, h } from "../element.js";
import { KeyedList } from "../keyed-list.js";
import { apart, phrase, readable } from "../strangers.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";
import { inviteByLink } from "./group-invites.js";
import { picturePicker } from "./picture-picker.js";

/** @import { Client } from "../../im/index.js" */
/** @import { People } from "../people.js" */
/** @import { Part } from "../strangers.js" */
/** @import { GroupFacts, Person, Show } from "../types.js" */
/** @typedef {{ client: Client, people: People, show: Show }} Parts that a card uses */

const MUTE_SECONDS = 3600;

/**
 * @param {Pick<GroupFacts, "id">} group
 * @param {Parts} parts
 */
export function showGroup({ id }, parts) {
  const { people } = parts;
  const body = h("div");
  const rows = new KeyedList(body);
  const members = new Members(id, parts);
  people.forgetMembers(id);
  const box = openDialog("", body);
  keepDrawn(box, people.changes, () => {
    const group = people.group(id);
    const runs = runsIt(group.role) && !group.dissolved;
    entitle(box, group.name);
    rows.show([
      { key: "card", look: JSON.stringify(group), build: () => about(group) },
      { key: "requests", look: String(runs), build: () => requestsOf(group, runs, parts) },
      { key: "members", look: "", build: () => members.element },
      { key: "buttons", look: JSON.stringify(group), build: () => buttonsOf(group, runs, parts) },
    ]);
    // Of a group that I have left I am not told who they are.
    if (people.groups.some((mine) => mine.id === id)) members.show();
  });
}

/** @param {GroupFacts} group */
function about(group) {
  const number = h("small", {}, t("talk.group-number", { id: group.id }));
  const rule = group.join && h("small", {}, `${t("group.join-rule")}: ${RULES.join.values[group.join]?.() ?? group.join}`);
  const notice = group.notice && h("p.group-notice", {}, apart(group.notice));
  const dissolved = Boolean(group.dissolved) && h("p", {}, t("group.dissolved"));
  return h("div.me-card", {}, groupAvatar(group, "large"), h("p", {}, apart(group.memo)), number, rule, notice, dissolved);
}

/**
 * @param {GroupFacts} group
 * @param {boolean} runs whether I run it
 * @param {Parts} parts
 */
function buttonsOf(group, runs, parts) {
  return h("div.dialog-buttons", {}, mayAdd(group) && button(t("group.add"), () => addMembers(group, parts), ".primary"),
    mayAdd(group) && button(t("invite.by-link"), () => inviteByLink(group, parts.client)),
    button(t("files.title"), () => parts.show.files({ scope: CMD.GROUP, dstid: group.id })),
    runs && button(t("group.edit"), () => edit(group, parts)),
    group.role === "owner" && !group.dissolved && button(t("group.dissolve"), () => dissolve(group, parts), ".bad"),
    button(t("group.leave"), () => leave(group, parts), ".bad"));
}

/** The members of a group, as the server tells them now. */
class Members {
  #id; #parts; #rows; #asked = 0;

  /**
   * @param {number} id of the group
   * @param {Parts} parts
   */
  constructor(id, parts) {
    this.#id = id;
    this.#parts = parts;
    this.element = h("ul.list.members");
    this.#rows = new KeyedList(this.element);
    this.#rows.show([{ key: "title", look: "", build: () => h("li", {}, "…") }]);
  }

  async show() {
    const { people } = this.#parts;
    const asked = ++this.#asked;
    const users = await people.members(this.#id);
    if (asked !== this.#asked) return; // they were asked for again meanwhile
    const group = people.group(this.#id);
    const title = t("group.members", { count: users.length });
    this.#rows.show([{ key: "title", look: title, build: () => h("li.list-title", {}, title) },
      ...users.map((user) => ({ key: user.id, look: JSON.stringify([user, group]), plain: user.nickname,
        build: () => memberRow(user, group, this.#parts) }))]);
  }
}

/** @param {string | undefined} role */
const runsIt = (role) => role === "owner" || role === "admin";

/** @param {GroupFacts} group */
const mayAdd = (group) => !group.dissolved && (runsIt(group.role) || (group.role === "member" && group.join === "open"));

/**
 * Lists my friends who aren't in the group yet, to be added.
 * @param {GroupFacts} group
 * @param {Parts} parts
 */
async function addMembers(group, { client, people }) {
  const inside = new Set((await people.members(group.id)).map(({ id }) => id));
  const list = h("ul.list");
  const rows = new KeyedList(list);
  const draw = () => {
    const friends = people.friends.filter((id) => !inside.has(id)).map((id) => people.user(id));
    rows.show(friends.map((friend) => ({ key: friend.id, look: JSON.stringify([friend.nickname, friend.avatar]), plain: friend.nickname,
      build: () => h("li", {}, rowButton(() => add(friend), userAvatar(friend, "small"), h("b", {}, apart(friend.nickname)))) })));
  };
  /** @param {Person} friend */
  const add = (friend) => attempt(async () => {
    await client.rest.call("/contact/addmember", { dstid: group.id, memberid: friend.id });
    people.forgetMembers(group.id);
    inside.add(friend.id);
    draw();
  });
  keepDrawn(openDialog(t("group.add"), list), people.changes, draw);
}

/** @type {Record<string, { words: () => string, values: Record<string, () => string> }>} */
const RULES = {
  join: { words: () => t("group.join-rule"), values: {
    open: () => t("group.join-rule.open"), approve: () => t("group.join-rule.approve"), invite: () => t("group.join-rule.invite") } },
  history: { words: () => t("group.history"), values: {
    all: () => t("group.history.all"), joined: () => t("group.history.joined") } },
  post: { words: () => t("group.post"), values: {
    members: () => t("group.post.members"), admins: () => t("group.post.admins") } },
};

/**
 * @param {GroupFacts} group
 * @param {boolean} runs whether I run it
 * @param {Parts} parts
 */
function requestsOf(group, runs, parts) {
  const list = h("ul.list");
  if (runs) showRequests(list, group, parts);
  return list;
}

/**
 * Lists who asks to join, with what can be answered.
 * @param {Element} list
 * @param {GroupFacts} group
 * @param {Parts} parts
 */
async function showRequests(list, group, { client, people }) {
  const rows = await client.rest.rows("/contact/loadjoin", { dstid: group.id }).catch(() => []);
  if (!rows.length) return;
  const lines = rows.map(({ requestid, userid, nickname, avatar }) => {
    /** @param {number} accept */
    const answer = (accept) => () => attempt(async () => {
      await client.rest.call("/contact/answerjoin", { requestid, accept });
      people.forgetMembers(group.id);
      line.remove();
    });
    const who = { id: userid, nickname: readable(nickname, userid), avatar };
    const line = h("li.row", {}, userAvatar(who, "small"), h("span.row-words", {}, h("b", {}, apart(who.nickname))),
      button(t("group.refuse"), answer(0)), button(t("group.let-in"), answer(1), ".primary"));
    return line;
  });
  fill(list, h("li.list-title", {}, t("group.requests")), ...lines);
}

/**
 * @param {Person} user
 * @param {GroupFacts} group
 * @param {Parts} parts
 */
function memberRow(user, group, parts) {
  const words = h("span.row-words", {}, h("b", {}, apart(user.nickname)));
  const row = h("li.row", {}, userAvatar(user, "small"), words, botBadge(user));
  if (user.muted) row.append(h("small.tag", {}, t("group.muted")));
  if (user.role === "owner" || user.id === group.ownerid) row.append(h("small.tag", {}, t("group.owner")));
  else if (user.role === "admin") row.append(h("small.tag", {}, t("group.admin")));
  if (mayActOn(user, group, parts)) {
    const acts = button("⋯", () => showActs(user, group, parts));
    acts.setAttribute("aria-label", t("group.acts", { who: user.nickname }));
    row.append(acts);
  }
  return row;
}

/**
 * @param {Person} user
 * @param {GroupFacts} group
 * @param {Parts} parts
 */
function mayActOn(user, group, { people }) {
  if (group.dissolved || user.id === people.me.id) return false;
  return group.role === "owner" || (group.role === "admin" && user.role === "member");
}

/**
 * What can be done to a member.
 * @param {Person} user
 * @param {GroupFacts} group
 * @param {Parts} parts
 */
function showActs(user, group, parts) {
  const who = { who: user.nickname };
  /** @type {(path: string, fields: Record<string, string | number>, question?: Part[], yes?: string) => () => Promise<void>} */
  const act = (path, fields, question, yes = "") => async () => {
    if (question && !(await confirmed(question, yes))) return;
    await attempt(async () => {
      await parts.client.rest.call(path, { dstid: group.id, memberid: user.id, ...fields });
      await parts.people.loadGroups();
      closeDialogs();
      showGroup(parts.people.group(group.id), parts);
    });
  };
  /** @type {(words: string, call: () => void) => HTMLElement} */
  const item = (words, call) => rowButton(call, h("b", {}, words));
  const owns = group.role === "owner";
  const admin = user.role === "admin";
  const muting = user.muted ? t("group.unmute") : t("group.mute");
  openDialog(user.nickname, h("div.menu", {},
    item(muting, act("/contact/mutemember", { seconds: user.muted ? 0 : MUTE_SECONDS })),
    owns && item(admin ? t("group.demote") : t("group.promote"), act("/contact/setrole", { role: admin ? "member" : "admin" })),
    owns && item(t("group.transfer"), act("/contact/setrole", { role: "owner" }, phrase(t("group.transfer-question"), who), t("group.transfer"))),
    item(t("group.remove"), act("/contact/removemember", {}, phrase(t("group.remove-question"), who), t("group.remove")))));
}

/**
 * @param {GroupFacts} group
 * @param {Parts} parts
 */
function edit(group, { client, people }) {
  const picker = picturePicker(client.rest, group.icon, () => groupAvatar(group, "large"));
  const name = { name: "name", value: group.name, required: true, most: 30 };
  const memo = { name: "memo", value: group.memo ?? "", most: 120 };
  const notice = h("textarea", { name: "notice", rows: 3 }, group.notice ?? "");
  const fields = [picker.element, field(t("group.name"), name), field(t("group.memo"), memo),
    h("label", {}, t("group.notice"), notice), choice("join", group.join),
    choice("history", group.history), choice("post", group.post)];
  /** @param {Record<string, string>} asked */
  const submitted = async (asked) => {
    await client.rest.call("/contact/updatecommunity", { dstid: group.id, ...asked, icon: picker.address });
    await people.loadGroups();
    closeDialogs();
  };
  openDialog(t("group.edit"), form({ fields, submit: t("action.save"), submitted }));
}

/**
 * One of a group's rules, to be chosen.
 * @param {string} name
 * @param {string} [chosen]
 */
function choice(name, chosen) {
  const options = Object.entries(RULES[name].values).map(([value, words]) =>
    h("option", { value, selected: value === chosen }, words()));
  return h("label", {}, RULES[name].words(), h("select", { name }, ...options));
}

/**
 * @param {GroupFacts} group
 * @param {Parts} parts
 */
async function dissolve(group, { client, people }) {
  const question = phrase(t("group.dissolve-question"), { name: group.name });
  if (!(await confirmed(question, t("group.dissolve")))) return;
  await attempt(async () => {
    await client.rest.call("/contact/dissolve", { dstid: group.id });
    closeDialogs();
    await people.loadGroups();
  });
}

/**
 * @param {GroupFacts} group
 * @param {Parts} parts
 */
async function leave(group, { client, people }) {
  if (!(await confirmed(phrase(t("group.leave-question"), { name: group.name }), t("group.leave")))) return;
  await attempt(async () => {
    await client.rest.call("/contact/leavecommunity", { dstid: group.id });
    closeDialogs();
    if (location.hash === `#${CMD.GROUP}:${group.id}`) location.hash = "#";
    await Promise.all([people.loadGroups(), client.refresh()]);
  });
}

/** @param {() => Promise<void>} call */
async function attempt(call) {
  try {
    await call();
  } catch (error) {
    toast(reason(error), "bad");
  }
}

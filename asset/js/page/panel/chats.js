// The list of conversations.

import { CMD, MEDIA } from "../../im/index.js";
import { avatar } from "../avatar.js";
import { button, iconButton } from "../button.js";
import { h } from "../element.js";
import { icon } from "../icon.js";
import { KeyedList } from "../keyed-list.js";
import { when } from "../moment.js";
import { preview } from "../preview.js";
import { t } from "../words.js";

const BADGE_BOUND = 99;

export class Chats {
  #rows;

  constructor(app) {
    this.app = app;
    this.title = t("panel.chats");
    const list = h("ul.list");
    this.#rows = new KeyedList(list);
    this.element = h("div.panel", {}, list);
    this.tools = [iconButton("add", t("panel.new"), () => app.start())];
  }

  show() {
    const rows = this.app.client.conversations().map((conversation) => this.#row(this.#factsOf(conversation)));
    this.#rows.show(rows.length ? rows : [{ key: "nothing", look: "", build: () => this.#nothing() }]);
  }

  #factsOf({ scope, dstid, unread, last }) {
    const { people, client } = this.app;
    const group = scope === CMD.GROUP;
    const { name, nickname, icon: picture, avatar, online } = group ? people.group(dstid) : people.user(dstid);
    const key = `${scope}:${dstid}`;
    return { key, group, id: dstid, name: group ? name : nickname, picture: group ? picture : avatar, unread,
      online: Boolean(online), draft: unread ? "" : client.drafts.get(key), line: this.#line(last, group),
      time: last ? when(last.at) : "", open: location.hash === `#${key}` };
  }

  #row(facts) {
    return { key: facts.key, look: JSON.stringify(facts), build: () => chatRow(facts) };
  }

  #line(last, group) {
    const words = preview(last, this.app.people);
    const others = group && last && last.media !== MEDIA.NOTICE && last.userid !== this.app.people.me.id;
    return others ? `${this.app.people.name(last.userid)}: ${words}` : words;
  }

  #nothing() {
    return h("li.nothing", {}, icon("chat"), h("p", {}, t("panel.no-chats")),
      button(t("panel.new"), () => this.app.start(), ".primary"));
  }
}

function chatRow({ key, group, id, name, picture, unread, online, draft, line, time, open }) {
  const dot = online ? h("i.dot", { title: t("presence.online") }) : null;
  const words = draft ? [h("em", {}, t("panel.draft")), " ", draft] : [line];
  const attributes = { href: `#${key}`, "aria-current": open ? "page" : false, dataset: { conversation: key } };
  return h("li", {}, h("a.row", attributes,
    h("span.face", {}, avatar({ id, name, picture }, { group }), dot),
    h("span.row-words", {},
      h("span.row-top", {}, h("b", {}, name), h("time", {}, time)),
      h("span.row-foot", {}, h("span.row-last", {}, ...words), badge(unread)))));
}

function badge(unread) {
  if (!unread) return null;
  const shown = unread > BADGE_BOUND ? `${BADGE_BOUND}+` : String(unread);
  return h("span.badge", { "aria-label": t("panel.unread", { count: unread }) }, shown);
}

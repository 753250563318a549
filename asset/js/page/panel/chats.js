// The list of conversations.

import { CMD, MEDIA } from "../../im/index.js";
import { groupAvatar, userAvatar } from "../avatar.js";
import { fill, h } from "../element.js";
import { icon } from "../icon.js";
import { when } from "../moment.js";
import { preview } from "../preview.js";
import { t } from "../words.js";

const BADGE_BOUND = 99;

export class Chats {
  constructor(app) {
    this.app = app;
    this.title = t("panel.chats");
    this.list = h("ul.list");
    this.element = h("div.panel", {}, this.list);
    this.tools = [h("button.round", { type: "button", "aria-label": t("panel.new"), title: t("panel.new"),
      onclick: () => app.start() }, icon("add"))];
  }

  show() {
    const rows = this.app.client.conversations().map((conversation) => this.#row(conversation));
    fill(this.list, ...(rows.length ? rows : [this.#nothing()]));
  }

  #row(conversation) {
    const { scope, dstid, unread, last } = conversation;
    const { people, client } = this.app;
    const group = scope === CMD.GROUP;
    const who = group ? people.group(dstid) : people.user(dstid);
    const draft = client.drafts.get(`${scope}:${dstid}`);
    const address = `#${scope}:${dstid}`;
    return h("li", {}, h("a.row", { href: address, "aria-current": location.hash === address ? "page" : false,
      dataset: { conversation: `${scope}:${dstid}` } },
    h("span.face", {}, group ? groupAvatar(who) : userAvatar(who), !group && who.online ? h("i.dot", { title: t("presence.online") }) : null),
    h("span.row-words", {},
      h("span.row-top", {}, h("b", {}, group ? who.name : who.nickname), last && h("time", {}, when(last.at))),
      h("span.row-foot", {}, draft && !unread ? h("span.row-last", {}, h("em", {}, t("panel.draft")), " ", draft)
        : h("span.row-last", {}, this.#line(last, group)), badge(unread)))));
  }

  #line(last, group) {
    const words = preview(last, this.app.people);
    const others = group && last && last.media !== MEDIA.NOTICE && last.userid !== this.app.people.me.id;
    return others ? `${this.app.people.name(last.userid)}: ${words}` : words;
  }

  #nothing() {
    return h("li.nothing", {}, icon("chat"), h("p", {}, t("panel.no-chats")),
      h("button.button.primary", { type: "button", onclick: () => this.app.start() }, t("panel.new")));
  }
}

function badge(unread) {
  if (!unread) return null;
  return h("span.badge", { "aria-label": t("panel.unread", { count: unread }) }, unread > BADGE_BOUND ? `${BADGE_BOUND}+` : String(unread));
}

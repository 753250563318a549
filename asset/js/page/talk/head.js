// The top of the chat window: with whom one talks, and whether they are there, or typing.

import { CMD } from "../../im/index.js";
import { groupAvatar, userAvatar } from "../avatar.js";
import { botBadge } from "../bot-badge.js";
import { iconButton } from "../button.js";
import { fill, h } from "../element.js";
import { icon } from "../icon.js";
import { showChatMenu } from "../panel/chat-menu.js";
import { apart, oneLine } from "../strangers.js";
import { t } from "../words.js";

/** @import { Client } from "../../im/index.js" */
/** @import { People } from "../people.js" */
/** @import { Address, GroupFacts, Person, Show } from "../types.js" */

export class Head {
  #client; #people; #show; #look = ""; #typists = "";
  /** @type {Address | null} */
  #conversation = null;

  /** @param {{ client: Client, people: People, show: Show }} parts */
  constructor({ client, people, show }) {
    this.#client = client;
    this.#people = people;
    this.#show = show;
    this.element = h("header.talk-top");
  }

  /**
   * Draws what is known now, if it looks different from before.
   * @param {Address | null} conversation the open one, if any
   */
  show(conversation) {
    this.#conversation = conversation;
    if (!conversation) return;
    const { scope, dstid } = conversation;
    if (scope === CMD.GROUP) this.#showGroup(this.#people.group(dstid));
    else this.#showUser(this.#people.user(dstid));
  }

  /** @param {string} words who is typing, or "" */
  showTypists(words) {
    this.#typists = words;
    this.show(this.#conversation);
  }

  /** @param {GroupFacts} group */
  #showGroup(group) {
    const standing = oneLine(group.memo) || t("talk.group-number", { id: group.id });
    const open = () => this.#show.group(group);
    this.#fill([CMD.GROUP, group], { name: group.name, face: () => groupAvatar(group), standing, open });
  }

  /** @param {Person} user */
  #showUser(user) {
    const presence = user.online ? t("presence.online") : t("presence.offline");
    const other = user.bot ? t("talk.user-number", { id: user.id }) : presence; // a bot answers without a connection
    const standing = user.id === this.#people.me.id ? t("talk.yourself") : other;
    const open = () => this.#show.user(user);
    this.#fill([CMD.SINGLE, user], { name: user.nickname, face: () => userAvatar(user), badge: () => botBadge(user), standing, open });
  }

  /**
   * @param {unknown[]} facts all that is drawn, but for the status
   * @param {{ name: string, face: () => Element, badge?: () => Element | null, standing: string, open: () => void }} who
   */
  #fill(facts, { name, face, badge, standing, open }) {
    const status = this.#typists || this.#withoutConnection() || standing;
    const look = JSON.stringify([...facts, status]);
    if (look === this.#look) return;
    this.#look = look;
    const info = { type: "button", "aria-label": t("action.info"), title: t("action.info"), onclick: open };
    fill(this.element,
      h("h1.unseen", {}, apart(name)), // on a phone it is the page's
      h("a.round.back", { href: "#", "aria-label": t("action.back") }, icon("back")),
      h("button.talk-who", { type: "button", onclick: open }, face(),
        h("span.talk-name", {}, h("span.talk-title", {}, h("b", {}, apart(name)), badge?.()),
          h(`small.talk-status${this.#typists && ".typing"}`, {}, status))),
      iconButton("more", t("chat.menu"), () => this.#menu(name), ".chat-more"), h("button.round", info, icon("info")));
  }

  /** @param {string} name */
  #menu(name) {
    if (!this.#conversation) return;
    showChatMenu(this.#conversation, name, this.#client, this.#show);
  }

  /** Says that there is no connection; "" where there is one. */
  #withoutConnection() {
    if (this.#client.state === "connecting") return t("state.connecting");
    return this.#client.state === "offline" ? t("state.no-connection") : "";
  }
}

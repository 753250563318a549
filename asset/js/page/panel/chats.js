// The list of conversations.

import { CMD, EXACT, MEDIA } from "../../im/index.js";
import { avatar } from "../avatar.js";
import { button, iconButton } from "../button.js";
import { h } from "../element.js";
import { icon } from "../icon.js";
import { when } from "../moment.js";
import { guarded } from "../guarded.js";
import { previewParts } from "../preview.js";
import { apart, drawn } from "../strangers.js";
import { WindowedList } from "../windowed-list.js";
import { t } from "../words.js";
import { showChatMenu } from "./chat-menu.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Conversation } from "../../im/conversation.js" */
/** @import { Message } from "../../im/types.js" */
/** @import { IconName } from "../icon.js" */
/** @import { Row } from "../keyed-list.js" */
/** @import { People } from "../people.js" */
/** @import { Part } from "../strangers.js" */
/** @import { Show } from "../types.js" */

const BADGE_BOUND = 99;

/**
 * A count of unread messages where there is space for it.
 * @param {number} unread
 */
export const counted = (unread) => (unread > EXACT ? `${EXACT}+` : String(unread));

/**
 * What a row shows of a conversation.
 * @typedef {object} Facts
 * @property {string} key
 * @property {boolean} group
 * @property {number} id of the user or the group
 * @property {string} name
 * @property {string} picture
 * @property {number} unread
 * @property {number} mentions
 * @property {boolean} online
 * @property {string} draft
 * @property {Part[]} line what was said last
 * @property {string} time
 * @property {boolean} open
 * @property {boolean} muted
 * @property {boolean} pinned
 */

export class Chats {
  #rows; #client; #people; #show;

  /** @param {{ client: Client, people: People, show: Show }} parts */
  constructor({ client, people, show }) {
    this.#client = client;
    this.#people = people;
    this.#show = show;
    this.title = t("panel.chats");
    const list = h("ul.list", { "aria-label": this.title });
    this.#rows = new WindowedList(list, { keyOf: ({ scope, dstid }) => `${scope}:${dstid}`,
      rowOf: (/** @type {Conversation} */ one) => guarded(() => this.#rowOf(one), () => plainRow(one)) });
    this.element = h("div.panel", {}, list);
    this.tools = [iconButton("add", t("panel.new"), () => show.choices())];
  }

  show() { this.#rows.show(this.#client.conversations(), { key: "nothing", look: "", build: () => this.#nothing() }); }

  /**
   * @param {Conversation} conversation
   * @returns {Facts}
   */
  #factsOf({ scope, dstid, unread, mentions, last, muted, pinned }) {
    const group = scope === CMD.GROUP;
    const key = `${scope}:${dstid}`;
    return { key, group, id: dstid, ...(group ? this.#group(dstid) : this.#user(dstid)), unread, mentions,
      draft: unread ? "" : this.#client.drafts.get(key), line: this.#line(last, scope, dstid),
      time: last ? when(last.at) : "", open: location.hash === `#${key}`, muted, pinned };
  }

  /**
   * @param {Conversation} conversation
   * @returns {Row}
   */
  #rowOf(conversation) {
    const facts = this.#factsOf(conversation);
    const menu = () => showChatMenu(conversation, facts.name, this.#client, this.#show);
    return { key: facts.key, look: JSON.stringify(facts), build: () => chatRow(facts, menu), plain: facts.name };
  }

  /** @param {number} id */
  #group(id) {
    const { name, icon: picture } = this.#people.group(id);
    return { name, picture, online: false };
  }

  /** @param {number} id */
  #user(id) {
    const { nickname: name, avatar: picture, online } = this.#people.user(id);
    return { name, picture, online: Boolean(online) };
  }

  /**
   * What was said last, and who said it.
   * @param {Message | null} last
   * @param {number} scope
   * @param {number} dstid
   * @returns {Part[]}
   */
  #line(last, scope, dstid) {
    const words = previewParts(last, this.#people);
    const me = this.#people.me.id;
    if (!last || last.media === MEDIA.NOTICE || (scope === CMD.SINGLE && dstid === me)) return words;
    if (last.userid === me) return [t("panel.by-me"), " ", ...words];
    return scope === CMD.GROUP ? [{ theirs: this.#people.name(last.userid) }, ": ", ...words] : words;
  }

  #nothing() {
    return h("li.nothing", {}, icon("chat"), h("p", {}, t("panel.no-chats")),
      button(t("panel.new"), () => this.#show.choices(), ".primary"));
  }
}

/**
 * @param {Facts} facts
 * @param {() => void} menu
 */
function chatRow({ key, group, id, name, picture, unread, mentions, online, draft, line, time, open, muted, pinned }, menu) {
  const dot = online ? h("i.dot", { title: t("presence.online") }) : null;
  const words = draft ? [h("em", {}, t("panel.draft")), " ", apart(draft)] : drawn(line);
  const attributes = { href: `#${key}`, "aria-current": open ? "page" : false, dataset: { conversation: key } };
  const row = h("a.row", attributes,
    h("span.face", {}, avatar({ id, name, picture }, { group }), dot),
    h("span.row-words", {},
      h("span.row-top", {}, h("b", {}, apart(name)), pinned && mark("pin", t("chat.pinned")),
        muted && mark("mute", t("chat.muted")), h("time", {}, time)),
      h("span.row-foot", {}, h("span.row-last", {}, ...words), mentioned(mentions), badge(unread, muted))));
  // By a right click, a long press or the key for it.
  row.addEventListener("contextmenu", (event) => { event.preventDefault(); menu(); });
  return h("li", {}, row);
}

/**
 * A conversation of which nothing can be said but where it is.
 * @param {Conversation} conversation
 * @returns {Row}
 */
function plainRow({ scope, dstid }) {
  const key = `${scope}:${dstid}`;
  return { key, look: "", build: () => h("li", {}, h("a.row", { href: `#${key}`, dataset: { conversation: key } }, `#${dstid}`)) };
}

/**
 * @param {IconName} name
 * @param {string} words
 */
const mark = (name, words) => h("span.kept", { role: "img", title: words, "aria-label": words }, icon(name));

/**
 * @param {number} unread
 * @param {boolean} muted
 */
function badge(unread, muted) {
  if (!unread) return null;
  const shown = unread > BADGE_BOUND ? `${BADGE_BOUND}+` : String(unread);
  return h(`span.badge${muted ? ".quiet" : ""}`, { "aria-label": t("panel.unread", { count: counted(unread) }) }, shown);
}

/** @param {number} mentions */
function mentioned(mentions) {
  const words = t("panel.mentioned", { count: counted(mentions) });
  return mentions ? h("span.mentioned", { role: "img", title: words, "aria-label": words }, "@") : null;
}

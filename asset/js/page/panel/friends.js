// Friends, and who asks to be one.

import { userAvatar } from "../avatar.js";
import { botBadge } from "../bot-badge.js";
import { button, iconButton } from "../button.js";
import { h } from "../element.js";
import { icon } from "../icon.js";
import { KeyedList } from "../keyed-list.js";
import { apart, oneLine } from "../strangers.js";
import { toast } from "../toast.js";
import { WindowedList } from "../windowed-list.js";
import { reason, t } from "../words.js";

/** @import { Rest } from "../../im/index.js" */
/** @import { FriendRequest } from "../../im/types.js" */
/** @import { Row } from "../keyed-list.js" */
/** @import { People } from "../people.js" */
/** @import { Person, Show } from "../types.js" */

/** @type {(key: Row["key"], facts: unknown, build: Row["build"], plain?: string) => Row} */
const row = (key, facts, build, plain) => ({ key, look: JSON.stringify(facts), build, plain });

export class Friends {
  #requests; #list; #rest; #people; #show;

  /** @param {{ rest: Rest, people: People, show: Show }} parts */
  constructor({ rest, people, show }) {
    this.#rest = rest;
    this.#people = people;
    this.#show = show;
    this.title = t("panel.friends");
    const [requests, list] = [h("ul.list.requests"), h("ul.list")];
    this.#requests = new KeyedList(requests);
    this.#list = new WindowedList(list, { keyOf: ({ id }) => id,
      rowOf: (/** @type {Person} */ user) => row(user.id, user, () => this.#friend(user), user.nickname) });
    this.element = h("div.panel", {}, requests, list);
    this.tools = [iconButton("add", t("friend.add"), () => show.addFriend())];
  }

  show() {
    const people = this.#people;
    const friends = people.friends.map((id) => people.user(id));
    friends.sort((a, b) => (b.online ? 1 : 0) - (a.online ? 1 : 0) || a.nickname.localeCompare(b.nickname));
    this.#requests.show(people.requests.map((request) => row(request.id, request, () => this.#request(request), request.user.nickname)));
    this.#list.show(friends, row("nothing", "", () => this.#nothing()));
  }

  /** @param {Person} user */
  #friend(user) {
    const attributes = { type: "button", onclick: () => this.#show.user(user), dataset: { user: user.id } };
    return h("li", {}, h("button.row", attributes,
      h("span.face", {}, userAvatar(user), user.online ? h("i.dot", { title: t("presence.online") }) : null),
      h("span.row-words", {}, h("b", {}, apart(user.nickname)),
        h("span.row-last", {}, oneLine(user.memo) || (user.online ? t("presence.online") : t("presence.offline")))), botBadge(user)));
  }

  /** @param {FriendRequest} request */
  #request(request) {
    const { user } = request;
    /** @param {string} path */
    const act = (path) => async () => {
      try {
        await this.#rest.call(path, { requestid: request.id });
        await Promise.all([this.#people.loadRequests(), this.#people.loadFriends()]);
      } catch (error) {
        toast(reason(error), "bad");
      }
    };
    return h("li.row.request", {}, userAvatar(user),
      h("span.row-words", {}, h("b", {}, apart(user.nickname)), h("span.row-last", {}, oneLine(request.memo) || t("friend.asks"))),
      iconButton("check", t("friend.approve"), act("/contact/approvefriend"), ".good"),
      iconButton("close", t("friend.refuse"), act("/contact/refusefriend")));
  }

  #nothing() {
    return h("li.nothing", {}, icon("friend"), h("p", {}, t("panel.no-friends")),
      button(t("friend.add"), () => this.#show.addFriend(), ".primary"));
  }
}

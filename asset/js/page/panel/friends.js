// Friends, and who asks to be one.

import { userAvatar } from "../avatar.js";
import { button, iconButton } from "../button.js";
import { h } from "../element.js";
import { icon } from "../icon.js";
import { KeyedList } from "../keyed-list.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";

const row = (key, facts, build) => ({ key, look: JSON.stringify(facts), build });

export class Friends {
  #requests; #list;

  constructor(app) {
    this.app = app;
    this.title = t("panel.friends");
    const [requests, list] = [h("ul.list.requests"), h("ul.list")];
    this.#requests = new KeyedList(requests);
    this.#list = new KeyedList(list);
    this.element = h("div.panel", {}, requests, list);
    this.tools = [iconButton("add", t("friend.add"), () => app.addFriend())];
  }

  show() {
    const { people } = this.app;
    const friends = people.friends.map((id) => people.user(id));
    friends.sort((a, b) => (b.online ? 1 : 0) - (a.online ? 1 : 0) || a.nickname.localeCompare(b.nickname));
    this.#requests.show(people.requests.map((request) => row(request.id, request, () => this.#request(request))));
    const rows = friends.map((user) => row(user.id, user, () => this.#friend(user)));
    this.#list.show(rows.length ? rows : [row("nothing", "", () => this.#nothing())]);
  }

  #friend(user) {
    const attributes = { type: "button", onclick: () => this.app.showUser(user), dataset: { user: user.id } };
    return h("li", {}, h("button.row", attributes,
      h("span.face", {}, userAvatar(user), user.online ? h("i.dot", { title: t("presence.online") }) : null),
      h("span.row-words", {}, h("b", {}, user.nickname),
        h("span.row-last", {}, user.memo || (user.online ? t("presence.online") : t("presence.offline"))))));
  }

  #request(request) {
    const { user } = request;
    const act = (path) => async () => {
      try {
        await this.app.client.rest.call(path, { requestid: request.id });
        await Promise.all([this.app.people.loadRequests(), this.app.people.loadFriends()]);
      } catch (error) {
        toast(reason(error), "bad");
      }
    };
    return h("li.row.request", {}, userAvatar(user),
      h("span.row-words", {}, h("b", {}, user.nickname), h("span.row-last", {}, request.memo || t("friend.asks"))),
      iconButton("check", t("friend.approve"), act("/contact/approvefriend"), ".good"),
      iconButton("close", t("friend.refuse"), act("/contact/refusefriend")));
  }

  #nothing() {
    return h("li.nothing", {}, icon("friend"), h("p", {}, t("panel.no-friends")),
      button(t("friend.add"), () => this.app.addFriend(), ".primary"));
  }
}

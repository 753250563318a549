// Friends, and who asks to be one.

import { userAvatar } from "../avatar.js";
import { fill, h } from "../element.js";
import { icon } from "../icon.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";

export class Friends {
  constructor(app) {
    this.app = app;
    this.title = t("panel.friends");
    this.requests = h("ul.list.requests");
    this.list = h("ul.list");
    this.element = h("div.panel", {}, this.requests, this.list);
    this.tools = [h("button.round", { type: "button", "aria-label": t("friend.add"), title: t("friend.add"),
      onclick: () => app.addFriend() }, icon("add"))];
  }

  show() {
    const { people } = this.app;
    const friends = people.friends.map((id) => people.user(id));
    friends.sort((a, b) => (b.online ? 1 : 0) - (a.online ? 1 : 0) || a.nickname.localeCompare(b.nickname));
    fill(this.requests, ...people.requests.map((request) => this.#request(request)));
    fill(this.list, ...(friends.length ? friends.map((user) => this.#friend(user)) : [this.#nothing()]));
  }

  #friend(user) {
    return h("li", {}, h("button.row", { type: "button", onclick: () => this.app.showUser(user), dataset: { user: user.id } },
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
      h("button.round.good", { type: "button", "aria-label": t("friend.approve"), title: t("friend.approve"), onclick: act("/contact/approvefriend") }, icon("check")),
      h("button.round", { type: "button", "aria-label": t("friend.refuse"), title: t("friend.refuse"), onclick: act("/contact/refusefriend") }, icon("close")));
  }

  #nothing() {
    return h("li.nothing", {}, icon("friend"), h("p", {}, t("panel.no-friends")),
      h("button.button.primary", { type: "button", onclick: () => this.app.addFriend() }, t("friend.add")));
  }
}

import { CMD } from "../../im/index.js";
import { groupAvatar } from "../avatar.js";
import { button, iconButton } from "../button.js";
import { h } from "../element.js";
import { icon } from "../icon.js";
import { KeyedList } from "../keyed-list.js";
import { t } from "../words.js";

/** The groups I am in. */
export class Groups {
  #rows;

  constructor(app) {
    this.app = app;
    this.title = t("panel.groups");
    const list = h("ul.list");
    this.#rows = new KeyedList(list);
    this.element = h("div.panel", {}, list);
    this.tools = [
      button(t("group.join"), () => app.joinGroup()),
      iconButton("add", t("group.create"), () => app.createGroup()),
    ];
  }

  show() {
    const { groups } = this.app.people;
    const rows = groups.map((group) => ({ key: group.id, look: JSON.stringify(group), build: () => this.#row(group) }));
    this.#rows.show(rows.length ? rows : [{ key: "nothing", look: "", build: () => this.#nothing() }]);
  }

  #row(group) {
    const attributes = { href: `#${CMD.GROUP}:${group.id}`, dataset: { group: group.id } };
    return h("li", {}, h("a.row", attributes, groupAvatar(group),
      h("span.row-words", {}, h("b", {}, group.name),
        h("span.row-last", {}, group.memo || t("talk.group-number", { id: group.id })))));
  }

  #nothing() {
    return h("li.nothing", {}, icon("group"), h("p", {}, t("panel.no-groups")),
      button(t("group.create"), () => this.app.createGroup(), ".primary"));
  }
}

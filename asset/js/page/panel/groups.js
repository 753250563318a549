import { CMD } from "../../im/index.js";
import { groupAvatar } from "../avatar.js";
import { fill, h } from "../element.js";
import { icon } from "../icon.js";
import { t } from "../words.js";

/** The groups I am in. */
export class Groups {
  constructor(app) {
    this.app = app;
    this.title = t("panel.groups");
    this.list = h("ul.list");
    this.element = h("div.panel", {}, this.list);
    this.tools = [
      h("button.button", { type: "button", onclick: () => app.joinGroup() }, t("group.join")),
      h("button.round", { type: "button", "aria-label": t("group.create"), title: t("group.create"),
        onclick: () => app.createGroup() }, icon("add")),
    ];
  }

  show() {
    const { groups } = this.app.people;
    fill(this.list, ...(groups.length ? groups.map((group) => this.#row(group)) : [this.#nothing()]));
  }

  #row(group) {
    return h("li", {}, h("a.row", { href: `#${CMD.GROUP}:${group.id}`, dataset: { group: group.id } }, groupAvatar(group),
      h("span.row-words", {}, h("b", {}, group.name),
        h("span.row-last", {}, group.memo || t("talk.group-number", { id: group.id })))));
  }

  #nothing() {
    return h("li.nothing", {}, icon("group"), h("p", {}, t("panel.no-groups")),
      h("button.button.primary", { type: "button", onclick: () => this.app.createGroup() }, t("group.create")));
  }
}

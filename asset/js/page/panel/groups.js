import { CMD } from "../../im/index.js";
import { groupAvatar } from "../avatar.js";
import { button, iconButton } from "../button.js";
import { h } from "../element.js";
import { icon } from "../icon.js";
import { apart, oneLine } from "../strangers.js";
import { WindowedList } from "../windowed-list.js";
import { t } from "../words.js";

/** @import { Group } from "../../im/types.js" */
/** @import { People } from "../people.js" */
/** @import { Show } from "../types.js" */

/** The groups I am in. */
export class Groups {
  #rows; #people; #show;

  /** @param {{ people: People, show: Show }} parts */
  constructor({ people, show }) {
    this.#people = people;
    this.#show = show;
    this.title = t("panel.groups");
    const list = h("ul.list", { "aria-label": this.title });
    this.#rows = new WindowedList(list, { keyOf: ({ id }) => id, rowOf: (/** @type {Group} */ group) =>
      ({ key: group.id, look: JSON.stringify(group), build: () => this.#row(group), plain: group.name }) });
    this.element = h("div.panel", {}, list);
    this.tools = [
      button(t("group.join"), () => show.joinGroup()),
      iconButton("add", t("group.create"), () => show.createGroup()),
    ];
  }

  show() { this.#rows.show(this.#people.groups, { key: "nothing", look: "", build: () => this.#nothing() }); }

  /** @param {Group} group */
  #row(group) {
    const attributes = { href: `#${CMD.GROUP}:${group.id}`, dataset: { group: group.id } };
    return h("li", {}, h("a.row", attributes, groupAvatar(group),
      h("span.row-words", {}, h("b", {}, apart(group.name)),
        h("span.row-last", {}, oneLine(group.memo) || t("talk.group-number", { id: group.id })))));
  }

  #nothing() {
    return h("li.nothing", {}, icon("group"), h("p", {}, t("panel.no-groups")),
      button(t("group.create"), () => this.#show.createGroup(), ".primary"));
  }
}

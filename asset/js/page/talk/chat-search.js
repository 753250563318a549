// Looking for something in the open conversation: a bar above the messages that leads from one of those found to the next.

import { CMD } from "../../im/index.js";
import { over } from "../back.js";
import { iconButton } from "../button.js";
import { fill, h } from "../element.js";
import { wordsField } from "../find/field.js";
import { MessageSearch } from "../find/message-search.js";
import { noteOf } from "../find/notes.js";
import { isolated } from "../strangers.js";
import { t } from "../words.js";

/** @import { Client } from "../../im/index.js" */
/** @import { People } from "../people.js" */
/** @import { Address } from "../types.js" */

const PAGE = 40;

export class ChatSearch {
  #people; #goTo; #search; #field; #who; #until; #note; #older; #newer; #at = -1; #closed = () => {};
  /** @type {Address | null} */
  #conversation = null;

  /** @param {{ client: Client, people: People, goTo: (seq: number) => void }} parts */
  constructor({ client, people, goTo }) {
    this.#people = people;
    this.#goTo = goTo;
    this.#search = new MessageSearch({ changed: () => this.#changed(), ask: (words, before, signal) => {
      const { scope, dstid } = this.#conversation ?? {};
      return client.search(words, { scope, dstid, before, limit: PAGE, ...this.#filters() }, signal);
    } });
    const again = () => this.#write(true);
    this.#field = wordsField(t("find.in-chat"), () => this.#write(false));
    this.#who = h("select", { "aria-label": t("find.who"), onchange: again });
    this.#until = h("input", { type: "date", "aria-label": t("find.until"), title: t("find.until"), onchange: again });
    this.#note = h("p.find-note", { role: "status" });
    this.#older = iconButton("up", t("find.older"), () => this.#step(1));
    this.#newer = iconButton("down", t("find.newer"), () => this.#step(-1));
    this.element = h("search.talk-find", { "aria-label": t("find.in-chat"), hidden: true },
      h("div.talk-find-line", {}, this.#field, this.#older, this.#newer, iconButton("close", t("action.close"), () => this.close())),
      h("div.talk-find-line", {}, this.#who, h("label.talk-find-until", {}, h("span", {}, t("find.until")), this.#until), this.#note));
    this.element.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** @param {Address} conversation */
  open(conversation) {
    if (this.element.hidden) {
      this.#conversation = conversation;
      this.element.hidden = false;
      this.#closed = over(() => this.close());
      this.#offerPeople(conversation);
      this.#show();
    }
    this.#field.focus();
    this.#field.select();
  }

  close() {
    if (this.element.hidden) return;
    this.element.hidden = true;
    this.#closed();
    this.#search.write("");
    this.#conversation = null;
    this.#field.value = this.#until.value = "";
  }

  /** @param {boolean} atOnce */
  #write(atOnce) {
    this.#at = -1;
    this.#search.write(this.#field.value, { atOnce });
  }

  #filters() {
    const day = this.#until.valueAsDate; // midnight of the day in UTC
    const end = day ? new Date(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate() + 1).getTime() - 1 : undefined;
    return { userid: Number(this.#who.value) || undefined, to: end };
  }

  /**
   * Who may have said it: both of a chat, or the members of a group.
   * @param {Address} conversation
   */
  async #offerPeople(conversation) {
    const { scope, dstid } = conversation;
    const both = [...new Set([dstid, this.#people.me.id])].map((id) => this.#people.user(id));
    this.#offer(scope === CMD.GROUP ? [] : both);
    if (scope !== CMD.GROUP) return;
    const members = await this.#people.members(dstid);
    if (conversation === this.#conversation) this.#offer(members);
  }

  /** @param {{ id: number, nickname: string }[]} users */
  #offer(users) {
    fill(this.#who, h("option", { value: "" }, t("find.everybody")), ...users.map(({ id, nickname }) => h("option", { value: id }, isolated(nickname))));
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.isComposing) return;
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter" && event.target === this.#field) this.#step(event.shiftKey ? -1 : 1);
    else if (event.key === "ArrowUp" && event.target === this.#field) this.#step(1);
    else if (event.key === "ArrowDown" && event.target === this.#field) this.#step(-1);
    else return;
    event.preventDefault();
  }

  /**
   * Goes to the next message of those found: with 1 to an older one, with -1 to a newer one.
   * @param {number} by
   */
  async #step(by) {
    const search = this.#search;
    if (search.status === "failed") return void search.again();
    if (search.words !== this.#field.value.trim()) return this.#write(true);
    const next = this.#at + by;
    if (next >= search.rows.length && search.more && search.status === "found") await search.readOn();
    if (next < 0 || next >= search.rows.length) return;
    this.#at = next;
    this.#show();
    this.#goTo(search.rows[next].seq);
  }

  #changed() {
    const { status, rows } = this.#search;
    if (status === "found" && this.#at < 0 && rows.length) {
      this.#at = 0;
      this.#goTo(rows[0].seq);
    }
    this.#show();
  }

  #show() {
    const { status, rows, more } = this.#search;
    const place = status === "found" && this.#at >= 0;
    const words = place ? t("find.place", { at: this.#at + 1, count: more ? `${rows.length}+` : rows.length }) : noteOf(this.#search);
    if (this.#note.textContent !== words) this.#note.textContent = words;
    this.#older.disabled = !(this.#at + 1 < rows.length || more || status === "failed");
    this.#newer.disabled = this.#at <= 0;
  }
}

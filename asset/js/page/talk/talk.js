// The chat window: one conversation, its messages and the composer.

import { CMD, MEDIA } from "../../im/index.js";
import { groupAvatar, userAvatar } from "../avatar.js";
import { Composer } from "../compose/composer.js";
import { confirmed } from "../dialog.js";
import { fill, h } from "../element.js";
import { icon } from "../icon.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";
import { isShown } from "./bubble.js";
import { Rows, itemsOf } from "./rows.js";
import { Scroll } from "./scroll.js";
import { Typing } from "./typing.js";

export class Talk {
  #rows; #scroll; #typing; #head; #box; #toEnd; #drawing = false; #paging = false; #empty = true;
  #headLook = ""; #typists = "";

  constructor(app, element) {
    this.app = app;
    this.conversation = null;
    this.element = element;
    this.composer = new Composer(this);
    this.#rows = new Rows(this);
    this.#typing = new Typing(app.people, (words) => this.#showTypists(words));
    this.#head = h("header.talk-top");
    this.#box = h("div.talk-scroll", { tabindex: -1 }, h("div.talk-inner", {}, this.#rows.element));
    this.#toEnd = h("button.to-end.round", { type: "button", hidden: true, onclick: () => this.#scroll.toEnd(),
      "aria-label": t("talk.to-end"), title: t("talk.to-end") }, icon("down"));
    this.#listen();
  }

  #listen() {
    const { client, people } = this.app;
    client.on("message", (conversation, message) => {
      if (conversation !== this.conversation) return;
      this.#typing.done(message.userid);
      this.draw();
    });
    client.on("waiting", ({ message }) => {
      if (this.conversation && isShown(message)) this.#scroll.toEnd(); // who writes wants to see it
      this.draw();
    });
    client.on("answered", () => this.draw());
    client.on("refused", (entry) => this.#refused(entry));
    client.on("read", () => this.draw());
    client.on("restarted", (conversation) => this.#restarted(conversation));
    client.on("typing", ({ scope, dstid, userid }) => {
      if (this.conversation?.scope === scope && this.conversation.dstid === dstid) this.#typing.seen(userid ?? dstid);
    });
    client.on("state", () => this.#showHead());
    people.on("changed", () => { this.#showHead(); this.draw(); });
    document.addEventListener("visibilitychange", () => this.#seen());
    globalThis.addEventListener("focus", () => this.#seen());
  }

  open(scope, dstid) {
    if (this.conversation?.scope === scope && this.conversation.dstid === dstid) return;
    this.close();
    this.conversation = this.app.client.conversation(scope, dstid);
    fill(this.element, this.#head, this.#box, this.#toEnd, this.composer.element);
    this.#scroll ??= new Scroll(this.#box, { reachedTop: () => this.#older(), moved: (atEnd) => this.#moved(atEnd) });
    this.#empty = true;
    this.#showHead();
    this.composer.open(this.conversation);
    this.#drawNow();
    this.#scroll.toEnd();
    this.#older();
  }

  close() {
    if (!this.conversation) return;
    this.composer.close();
    this.#typing.clear();
    this.#rows.show([]);
    this.conversation = null;
    fill(this.element, h("div.talk-none", {}, icon("chat"), h("p", {}, t("talk.none"))));
  }

  /** Shows what has changed, once, after everything that happens now. */
  draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    queueMicrotask(() => {
      this.#drawing = false;
      if (this.conversation) this.#drawNow();
    });
  }

  react(message, emoji) { this.#send({ media: MEDIA.REACTION, ref: message.seq, content: emoji }); }

  async recall(message) {
    const sure = await confirmed(t("action.recall-question"), t("action.recall"));
    if (sure) this.#send({ media: MEDIA.RECALL, ref: message.seq });
  }

  /** Scrolls to a message that is loaded. */
  goTo(seq) {
    const row = this.#rows.element.querySelector(`[data-seq="${Number(seq)}"]`);
    if (!row) return toast(t("talk.further-up"));
    row.scrollIntoView({ block: "center", behavior: "smooth" });
    row.classList.add("found");
    return setTimeout(() => row.classList.remove("found"), 1600);
  }

  #send(message) {
    const { scope, dstid } = this.conversation;
    this.app.client.send(scope, dstid, message);
  }

  #drawNow() {
    const { scope, dstid } = this.conversation;
    const items = itemsOf(this.conversation, this.app.client.waiting(scope, dstid), this.app.people.me);
    this.#scroll.around(() => this.#rows.show(items));
    this.#toEnd.hidden = this.#scroll.following;
    this.#seen();
  }

  async #older() {
    const { conversation } = this;
    if (this.#paging || !conversation) return;
    this.#paging = true;
    try {
      let more = true;
      do {
        more = await this.app.client.older(conversation);
        if (conversation !== this.conversation) break;
        this.#drawNow();
        if (this.#empty) this.#scroll.toEnd();
        this.#empty = false;
      } while (more && this.#scroll.nearTop);
    } catch (error) {
      if (error.status) toast(reason(error), "bad"); // without a network the state line says it already
    } finally {
      this.#paging = false;
    }
    if (this.conversation && conversation !== this.conversation) this.#older();
  }

  #restarted(conversation) {
    if (!this.conversation) return;
    const { scope, dstid } = this.conversation;
    if (conversation && conversation !== this.conversation) return;
    this.conversation = this.app.client.conversation(scope, dstid);
    this.#empty = true;
    this.draw();
    this.#older();
  }

  #refused(entry) {
    if (entry.message.media >= MEDIA.RECALL) {
      this.app.client.discard(entry.message.cid);
      toast(this.app.reason(entry.error), "bad");
    }
    this.draw();
  }

  #moved(atEnd) {
    this.#toEnd.hidden = atEnd;
    this.#seen();
  }

  #seen() {
    if (!this.conversation || !this.#scroll?.following || document.visibilityState !== "visible") return;
    if (this.app.shows("talk")) this.app.client.read(this.conversation);
  }

  #showHead() {
    if (!this.conversation) return;
    const { scope, dstid } = this.conversation;
    const group = scope === CMD.GROUP;
    const who = group ? this.app.people.group(dstid) : this.app.people.user(dstid);
    const status = this.#typists || this.#standing(who, group);
    const look = JSON.stringify([scope, who, status]);
    if (look === this.#headLook) return;
    this.#headLook = look;
    const open = () => (group ? this.app.showGroup(who) : this.app.showUser(who));
    const info = { type: "button", "aria-label": t("action.info"), title: t("action.info"), onclick: open };
    fill(this.#head,
      h("a.round.back", { href: "#", "aria-label": t("action.back") }, icon("back")),
      h("button.talk-who", { type: "button", onclick: open }, group ? groupAvatar(who) : userAvatar(who),
        h("span.talk-name", {}, h("b", {}, group ? who.name : who.nickname),
          h(`small.talk-status${this.#typists && ".typing"}`, {}, status))),
      h("button.round", info, icon("info")));
  }

  #standing(who, group) {
    if (this.app.client.state === "connecting") return t("state.connecting");
    if (this.app.client.state === "offline") return t("state.no-connection");
    if (group) return who.memo || t("talk.group-number", { id: who.id });
    if (who.id === this.app.people.me.id) return t("talk.yourself");
    return who.online ? t("presence.online") : t("presence.offline");
  }

  #showTypists(words) {
    this.#typists = words;
    this.#showHead();
  }
}

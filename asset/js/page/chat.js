// The chat page: puts the parts together.

import { Client } from "../im/index.js";
import { fill } from "./element.js";
import { Chats } from "./panel/chats.js";
import { addFriend, lookUp } from "./panel/find.js";
import { Friends } from "./panel/friends.js";
import { showGroup } from "./panel/group-card.js";
import { Groups } from "./panel/groups.js";
import { Me } from "./panel/me.js";
import { createGroup, joinGroup, start } from "./panel/new-group.js";
import { showUser } from "./panel/user-card.js";
import { People } from "./people.js";
import { Talk } from "./talk/talk.js";
import { reason, t } from "./words.js";

const LOGIN = "/user/login.shtml";

const tabs = document.querySelectorAll("[data-panel]");

class App {
  #panels; #panel; #side; #frame; #changed = false;

  constructor(me) {
    this.client = new Client({ user: me, direct: "direct" in document.body.dataset });
    this.people = new People(this.client.rest, me);
    this.#frame = document.querySelector(".app");
    this.#side = document.querySelector(".side");
    this.talk = new Talk(this, document.querySelector(".talk"));
    this.#panels = { chats: new Chats(this), friends: new Friends(this), groups: new Groups(this), me: new Me(this) };
    for (const tab of tabs) tab.addEventListener("click", () => this.showPanel(tab.dataset.panel));
    this.#listen();
  }

  #listen() {
    const redraw = () => this.#redraw();
    this.client.on("conversations", redraw);
    this.people.on("changed", redraw);
    this.client.on("state", (state) => this.#showState(state));
    this.client.on("presence", ({ userid, online }) => this.people.presence(userid, online));
    this.client.on("changed", (frame) => this.#relationChanged(frame));
    this.client.on("unauthorized", () => this.leave());
    globalThis.addEventListener("hashchange", () => this.#go());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.client.hurry());
  }

  run() {
    this.showPanel("chats");
    this.#showState("connecting");
    this.client.start();
    this.#go();
    this.people.load().catch((error) => error.loggedOut && this.leave());
  }

  /** The part of the page that a phone shows: "list" or "talk". A wide window shows both. */
  shows(part) { return part === this.#frame.dataset.part || matchMedia("(min-width: 760px)").matches; }

  showPanel(name) {
    this.#panel = this.#panels[name];
    for (const tab of tabs) tab.setAttribute("aria-pressed", String(tab.dataset.panel === name));
    this.#side.querySelector("h1").textContent = this.#panel.title;
    fill(this.#side.querySelector(".side-tools"), ...this.#panel.tools);
    fill(this.#side.querySelector(".side-body"), this.#panel.element);
    this.#panel.show();
  }

  addFriend() { addFriend(this); }
  createGroup() { createGroup(this); }
  joinGroup() { joinGroup(this); }
  lookUp(card) { lookUp(this, card); }
  showGroup(group) { showGroup(this, group); }
  showUser(user) { showUser(this, user); }
  start() { start(this); }

  sex(letter) { return { W: t("sex.W"), M: t("sex.M") }[letter] ?? t("sex.U"); }

  /** Words for the text of a refusal that came over the socket. */
  reason(text) { return reason({ message: text }); }

  /** To the login: logged out, here or elsewhere. */
  leave() {
    this.client.stop();
    location.replace(LOGIN);
  }

  // The address after "#" is the open conversation, so the phone's back button closes it and a reload keeps it.
  #go() {
    const [, scope, dstid] = /^#(10|11):([1-9]\d{0,15})$/.exec(location.hash) ?? [];
    this.#frame.dataset.part = scope ? "talk" : "list";
    if (scope) this.talk.open(Number(scope), Number(dstid));
    else this.talk.close();
    if (location.hash.startsWith("#user=")) lookUp(this, { url: location.hash }); // the address of a contact card
    this.#redraw();
  }

  #redraw() {
    if (this.#changed) return;
    this.#changed = true;
    queueMicrotask(() => {
      this.#changed = false;
      this.#panel.show();
      this.#showUnread();
    });
  }

  #showUnread() {
    const unread = this.client.conversations().reduce((sum, conversation) => sum + conversation.unread, 0);
    document.title = unread ? `(${unread}) twim` : "twim";
    document.querySelector("[data-panel=chats]").dataset.count = unread > 99 ? "99+" : unread || "";
    document.querySelector("[data-panel=friends]").dataset.count = this.people.requests.length || "";
  }

  #showState(state) {
    const line = document.querySelector(".state");
    line.dataset.state = state;
    const words = { online: t("state.online"), connecting: t("state.connecting"), offline: t("state.offline") };
    line.textContent = words[state];
    if (state === "online") this.people.load().catch(() => null);
  }

  #relationChanged({ what, userid, dstid }) {
    const quietly = (...loads) => Promise.all(loads).catch(() => null); // the next change loads them again
    if (what?.startsWith("friend")) quietly(this.people.loadFriends(), this.people.loadRequests());
    if (what === "group") quietly(this.people.loadGroups(), this.client.refresh());
    if (what === "profile") this.people.forget(userid ?? dstid ?? this.people.me.id);
  }
}

const me = JSON.parse(document.body.dataset.me || "null");
if (me) new App(me).run();
else location.replace(LOGIN);

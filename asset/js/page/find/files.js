// The pictures, videos, files, voices and links of a conversation, each of which leads to its message.

import { MEDIA } from "../../im/index.js";
import { addressesIn, mediaAddress, safeAddress, shown } from "../address.js";
import { button } from "../button.js";
import { closeDialogs, openDialog } from "../dialog.js";
import { fill, h } from "../element.js";
import { icon } from "../icon.js";
import { duration, whole } from "../moment.js";
import { apart, fileName, isolated, shortFileName } from "../strangers.js";
import { isFile } from "../talk/media.js";
import { reason, t } from "../words.js";
import { Merged, Pages } from "./shared.js";
import { timeOf } from "./rows.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Message } from "../../im/types.js" */
/** @import { IconName } from "../icon.js" */
/** @import { People } from "../people.js" */
/** @import { Address, Show } from "../types.js" */
/** @import { Source } from "./shared.js" */
/** @typedef {{ client: Client, people: People, show: Show }} Parts */

const MOST = 240; // messages that are shown at once
const PAGE = 30;
const LINKS = "http"; // the word that every link of a text begins with

/**
 * A kind of what is shared: where it comes from, and how a message of it is shown.
 * @typedef {{ title: string, icon: IconName, grid?: boolean, source: () => Source, draw: (message: Message) => Element }} Kind
 */

/**
 * @param {Address} conversation
 * @param {Parts} parts
 * @returns {Record<string, Kind>}
 */
function kindsOf(conversation, { client, people, show }) {
  /** @type {(media: number, wanted?: (message: Message) => boolean) => Source} */
  const sent = (media, wanted) => new Pages((before) => client.files(conversation, media, { before, limit: PAGE }), wanted);
  const { scope, dstid } = conversation;
  const texts = () => new Pages((before) => client.search(LINKS, { scope, dstid, before, limit: PAGE }),
    (message) => message.media !== MEDIA.LINK && linkIn(message) !== null);
  /** @param {Message} message */
  const to = (message) => ({ ...show.toMessage(conversation, message.seq), title: `${isolated(people.name(message.userid))} · ${whole(message.at)}` });
  /** @type {(message: Message, mark: Element, title: Node, below: string) => Element} */
  const row = (message, mark, title, below) => h("li", {}, h("a.row.hit", to(message), h("span.card-icon", {}, mark),
    h("span.row-words", {}, h("span.row-top", {}, h("b", {}, title), timeOf(message)),
      h("span.row-last", {}, apart(people.name(message.userid)), below && [" · ", apart(below)]))));
  return {
    pictures: { title: t("files.pictures"), icon: "picture", grid: true, source: () => sent(MEDIA.IMAGE, isPicture),
      draw: (message) => h("li", {}, pictureTile(message, to(message))) },
    videos: { title: t("files.videos"), icon: "play", source: () => sent(MEDIA.VIDEO),
      draw: (message) => row(message, icon("play"), apart(fileName(message.memo).name || t("media.video")), "") },
    files: { title: t("files.files"), icon: "file", source: () => sent(MEDIA.LINK, isFile),
      draw: (message) => row(message, markOf(message), h("bdi", {}, ...nameOf(message)), message.memo ?? "") },
    voices: { title: t("files.voices"), icon: "mic", source: () => sent(MEDIA.VOICE),
      draw: (message) => row(message, icon("mic"), apart(`${t("media.voice")} ${duration(message.amount)}`), "") },
    links: { title: t("files.links"), icon: "link", source: () => new Merged([sent(MEDIA.LINK, (message) => !isFile(message)), texts()]),
      draw: (message) => row(message, icon("link"), apart(titleOf(message)), shown(linkIn(message) ?? "")) },
  };
}

/** @param {Message} message */
const isPicture = ({ url }) => !url?.startsWith("/asset/");

/** @param {Message} message */
const nameOf = ({ content, url }) => {
  const { stem, ending } = shortFileName(content);
  return stem || ending ? [stem, ending] : [shown(url ?? "")];
};

/** @param {Message} message */
function markOf({ content }) {
  const ending = /^\.([a-z0-9]{1,5})$/i.exec(fileName(content).ending)?.[1];
  return ending ? h("b.ending", {}, ending) : icon("file");
}

/**
 * The address that a message has; null where it has none.
 * @param {Message} message
 */
function linkIn({ media, content, url }) {
  if (media === MEDIA.LINK || media === MEDIA.NEWS) return safeAddress(url);
  return addressesIn(content ?? "").find(({ address }) => address)?.address ?? null;
}

/** @param {Message} message */
const titleOf = (message) => message.content || shown(linkIn(message) ?? "");

/**
 * @param {Message} message
 * @param {ReturnType<Show["toMessage"]>} attributes
 */
function pictureTile(message, attributes) {
  const address = mediaAddress(message.pic) ?? mediaAddress(message.url);
  const name = isolated(message.memo) || t("media.picture");
  if (!address) return h("a.tile", attributes, icon("picture"), h("span.unseen", {}, name));
  const image = h("img", { src: address, alt: name, loading: "lazy", decoding: "async", referrerpolicy: "no-referrer" });
  image.addEventListener("error", () => image.replaceWith(icon("picture"), h("span.unseen", {}, name)), { once: true });
  return h("a.tile", attributes, image);
}

/** The messages of one kind, as many at once as may be in the page. */
class Shelf {
  #kind; #source; #list; #more; #note; #loading = false;

  /** @param {Kind} kind */
  constructor(kind) {
    this.#kind = kind;
    this.#source = kind.source();
    this.#list = h(`ul.list${kind.grid ? ".tiles" : ""}`);
    this.#note = h("p.find-note", { role: "status" });
    this.#more = button(t("find.more"), () => this.load());
    this.element = h("div.shelf", {}, this.#list, this.#note, this.#more);
  }

  async load() {
    if (this.#loading) return;
    this.#loading = true;
    this.#more.hidden = true;
    this.#note.textContent = t("find.asking");
    try {
      const rows = await this.#source.page();
      this.#list.append(...rows.map((row) => this.#kind.draw(row)));
      this.#letGo();
      this.#note.textContent = this.#source.ended && !this.#list.childElementCount ? t("files.none") : "";
      this.#more.hidden = this.#source.ended;
      this.#more.textContent = t("find.more");
    } catch (error) {
      this.#note.textContent = `${t("find.failed")} ${reason(error)}`;
      this.#more.hidden = false;
      this.#more.textContent = t("action.retry");
    } finally {
      this.#loading = false;
    }
  }

  /** Of too many the newest go: they are there again when the window is opened anew. */
  #letGo() {
    while (this.#list.childElementCount > MOST) this.#list.firstElementChild?.remove();
  }
}

/**
 * Shows what was shared in a conversation.
 * @param {Address} conversation
 * @param {Parts} parts
 */
export function showFiles(conversation, parts) {
  const body = h("div.files-body", { role: "tabpanel", id: "files-body", tabindex: -1 });
  const kinds = Object.entries(kindsOf(conversation, parts));
  const tabs = kinds.map(([name, kind]) => h("button.files-tab", { type: "button", role: "tab", dataset: { kind: name },
    "aria-controls": "files-body", onclick: () => choose(kind, name) }, kind.title));
  /** @type {(kind: Kind, name: string) => void} */
  const choose = (kind, name) => {
    for (const tab of tabs) {
      const chosen = tab.dataset.kind === name;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
    }
    body.setAttribute("aria-label", kind.title);
    const shelf = new Shelf(kind);
    fill(body, shelf.element);
    shelf.load();
  };
  const bar = h("div.files-tabs", { role: "tablist", "aria-label": t("files.title") }, ...tabs);
  bar.addEventListener("keydown", ({ key, target }) => {
    const at = tabs.findIndex((tab) => tab === target);
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1 }[key];
    const tab = next === undefined ? null : tabs[(next + tabs.length) % tabs.length];
    tab?.focus();
    tab?.click();
  });
  const box = openDialog([t("files.title")], bar, body);
  box.classList.add("files");
  box.addEventListener("click", ({ target }) => { if (target instanceof Element && target.closest("a.row, a.tile")) closeDialogs(); });
  choose(kinds[0][1], kinds[0][0]);
}

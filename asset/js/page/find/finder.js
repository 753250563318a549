// One field that finds people, groups, chats, messages and files: a window over the page, on a phone all of it.

import { MEDIA } from "../../im/index.js";
import { iconButton } from "../button.js";
import { shown } from "../dialog.js";
import { fill, h } from "../element.js";
import { icon } from "../icon.js";
import { KeyedList } from "../keyed-list.js";
import { isPlain, wayOf } from "../tab-stop.js";
import { t } from "../words.js";
import { wordsField } from "./field.js";
import { MessageSearch } from "./message-search.js";
import { noteOf, onward } from "./notes.js";
import { named, said } from "./results.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Row } from "../keyed-list.js" */
/** @import { People } from "../people.js" */
/** @import { Show } from "../types.js" */

const PRESSED = ".row, .button"; // what the arrow keys go to

export class Finder {
  #client; #people; #show; #words = "";
  /** @type {FinderWindow | null} */
  #window = null;

  /** @param {{ client: Client, people: People, show: Show }} parts */
  constructor({ client, people, show }) {
    this.#client = client;
    this.#people = people;
    this.#show = show;
  }

  /** Opens the window, with what was looked for last. */
  open() {
    if (this.#window) return;
    const parts = { client: this.#client, people: this.#people, show: this.#show };
    this.#window = new FinderWindow(parts, this.#words, (words) => {
      this.#words = words;
      this.#window = null;
    });
  }
}

class FinderWindow {
  #client; #people; #show; #messages; #files; #field; #results; #list; #note; #foot; #drawing = false;
  /** @type {HTMLDialogElement} */
  #box;
  /** @type {Set<string>} */
  #opened = new Set();
  /** @type {Map<string, Element>} */
  #kept = new Map();

  /**
   * @param {{ client: Client, people: People, show: Show }} parts
   * @param {string} words
   * @param {(words: string) => void} closed
   */
  constructor({ client, people, show }, words, closed) {
    this.#client = client;
    this.#people = people;
    this.#show = show;
    const draw = () => this.#draw();
    this.#messages = new MessageSearch({ changed: () => this.#searched(),
      ask: (asked, before, signal) => client.search(asked, { before, limit: 30 }, signal) });
    this.#files = new MessageSearch({ changed: draw,
      ask: (asked, before, signal) => client.search(asked, { before, limit: 20, media: MEDIA.LINK }, signal) });
    this.#field = wordsField(t("find.field"), () => this.#written(), words);
    this.#field.autofocus = true;
    this.#results = h("div.find-results");
    this.#list = new KeyedList(this.#results);
    this.#note = h("p.find-note", { role: "status" });
    this.#foot = h("div.find-foot");
    this.#box = h("dialog.dialog.find", { "aria-label": t("find.title") },
      h("header.find-top", {}, icon("search"), this.#field, iconButton("close", t("action.close"), () => this.#box.close())),
      h("div.find-body", {}, this.#results, this.#note, this.#foot));
    this.#listen();
    const stops = [people.changes(draw), client.on("conversations", draw)];
    shown(this.#box).addEventListener("close", () => {
      for (const stop of [...stops, () => this.#messages.stop(), () => this.#files.stop()]) stop();
      closed(this.#field.value);
    }, { once: true });
    this.#field.select();
    this.#messages.write(words, { atOnce: true });
  }

  #listen() {
    this.#field.addEventListener("keydown", (event) => this.#typed(event));
    this.#results.parentElement?.addEventListener("keydown", (event) => this.#moved(event));
    this.#box.addEventListener("click", ({ target }) => {
      // What a row leads to may be open already: then no other page comes that would close this one.
      if (target === this.#box || (target instanceof Element && target.closest("a.row"))) this.#box.close();
    });
  }

  #written() {
    this.#opened.clear();
    this.#messages.write(this.#field.value);
    this.#draw();
  }

  /** @param {KeyboardEvent} event in the field */
  #typed(event) {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") this.#pressable()[0]?.focus();
    else if (event.key === "Enter") this.#enter();
    else return;
    event.preventDefault();
  }

  #enter() {
    const first = this.#results.querySelector("a.row");
    if (first instanceof HTMLElement) first.click();
    else this.#messages.write(this.#field.value, { atOnce: true });
  }

  /** @param {KeyboardEvent} event among the results */
  #moved(event) {
    const rows = this.#pressable();
    const at = rows.findIndex((row) => row === event.target);
    if (at < 0 || !isPlain(event)) return;
    const writes = [...event.key].length === 1 && event.key !== " ";
    if (writes || event.key === "Backspace") return this.#field.focus(); // which then gets the key
    const next = wayOf(event.key, at, rows.length);
    if (next < 0) return;
    event.preventDefault();
    if (event.key === "ArrowUp" && at === 0) this.#field.focus();
    else rows[next].focus();
  }

  /** Where there are more messages than were read, files may be among the others: they are looked for by themselves. */
  #searched() {
    const { status, next, words } = this.#messages;
    if (status === "none") this.#files.write("");
    else if (status === "found" && next) this.#files.write(words);
    this.#draw();
  }

  /** Shows what there is, once, after everything that happens now. */
  #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    queueMicrotask(() => {
      this.#drawing = false;
      if (this.#box.open) this.#drawNow();
    });
  }

  #drawNow() {
    const focused = document.activeElement;
    const href = focused?.getAttribute("href");
    const [search, words] = [this.#messages, this.#field.value.trim()];
    const parts = { client: this.#client, people: this.#people, show: this.#show, opened: this.#opened, kept: this.#kept,
      open: (/** @type {string} */ key) => { this.#opened.add(key); this.#draw(); } };
    const files = this.#files.of === search.of ? this.#files.rows : [];
    const rows = [...named(words, parts), ...said(search.rows, files, search.of, parts)];
    this.#list.show(rows.length || words ? rows : [HINT]);
    const count = search.status === "found" && search.rows.length; // seen by who sees the rows
    const note = count ? t("find.count", { count: search.next ? `${count}+` : count }) : noteOf(search) || (rows.length ? t("find.hint") : "");
    if (this.#note.textContent !== note) this.#note.textContent = note;
    this.#note.classList.toggle("unseen", Boolean(count));
    this.#note.classList.toggle("find-nothing", !rows.length);
    const kind = `${search.status === "failed"} ${search.more}`;
    if (this.#foot.dataset.kind !== kind) {
      this.#foot.dataset.kind = kind;
      fill(this.#foot, onward(search));
    }
    if (focused !== document.activeElement) this.#focusAgain(href);
  }

  /**
   * A row that had the focus was built anew, or is gone.
   * @param {string | null | undefined} href where it leads
   */
  #focusAgain(href) {
    const same = this.#pressable().find((row) => href && row.getAttribute("href") === href);
    (same ?? this.#field).focus({ preventScroll: true });
  }

  /** @returns {HTMLElement[]} */
  #pressable() { return [...this.#box.querySelectorAll(`.find-body :is(${PRESSED})`)].filter((one) => one instanceof HTMLElement); }
}

/** @type {Row} */
const HINT = { key: "hint", look: "", build: () => h("div.nothing", {}, icon("search"), h("p", {}, t("find.hint"))) };

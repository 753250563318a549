// Where messages are written.

import { MEDIA } from "../../im/index.js";
import { iconButton } from "../button.js";
import { lengthOf, wellFormed } from "../characters.js";
import { fill, h } from "../element.js";
import { icon } from "../icon.js";
import { preview } from "../preview.js";
import { apart } from "../strangers.js";
import { toast } from "../toast.js";
import { t } from "../words.js";
import { Attachments } from "./attachments.js";
import { Commands } from "./commands.js";
import { emojiName } from "./emoji-list.js";
import { EmojiPanel } from "./emoji-panel.js";
import { Mentions } from "./mentions.js";
import { Voice } from "./voice.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Draft, Words } from "../../im/types.js" */
/** @import { People } from "../people.js" */
/** @import { Address, ShownMessage } from "../types.js" */
/** @typedef {NonNullable<Draft["about"]>} About what the message answers or edits, as drafts keep it */

const TEXT_BOUND = 8000; // characters the server takes
const COUNTED_FROM = 7500; // characters from which it is shown how many there are
const TALLEST = 160; // pixels of the input before it scrolls

export class Composer {
  #client; #people; #sent; #input; #send; #line; #count; #mentions; #commands; #panel; #attachments; #voice;
  /** @type {Address | null} */
  #conversation = null;
  /** @type {About | null} */
  #about = null;

  /**
   * Files dropped on `dropOn` are taken; `sent()` is called when something was sent.
   * @param {{ client: Client, people: People, dropOn: HTMLElement, sent: () => void }} parts
   */
  constructor({ client, people, dropOn, sent }) {
    this.#client = client;
    this.#people = people;
    this.#sent = sent;
    this.#input = h("textarea.composer-input", { rows: 1, "aria-label": t("compose.input"),
      placeholder: t("compose.placeholder"), enterkeyhint: "send" });
    this.#line = h("div.composer-about", { hidden: true });
    this.#count = h("p.composer-count", { role: "status", hidden: true });
    this.#send = iconButton("send", t("compose.send"), () => this.#submit(), ".send");
    this.#mentions = new Mentions(this.#input, people);
    this.#commands = new Commands(this.#input, client.rest, people);
    this.#panel = new EmojiPanel({
      pick: (emoji) => this.#insert(emoji),
      sticker: (url, name) => this.#sticker(url, name),
    });
    this.#attachments = new Attachments({
      client,
      dropOn,
      post: (message, conversation) => this.#post(message, conversation),
      write: (text) => this.#insert(text),
      changed: () => this.#look(),
    });
    this.#voice = new Voice({
      take: (file, seconds, how) => {
        const ref = how.sent ? this.#takeRef(how.conversation) : 0;
        this.#attachments.voice(file, seconds, { ...how, ref });
      },
      choose: () => this.#attachments.choose("audio/*"),
    });
    const row = [this.#panel.button, ...this.#attachments.buttons, this.#input, this.#voice.button, this.#send];
    this.element = h("div.composer", {},
      this.#attachments.element, this.#line, this.#mentions.element, this.#commands.element, this.#panel.element, this.#voice.element,
      this.#count, h("div.composer-row", {}, ...row));
    this.#listen();
  }

  get #drafts() { return this.#client.drafts; }

  #listen() {
    this.#input.addEventListener("input", () => this.#changed());
    this.#input.addEventListener("keydown", (event) => this.#pressed(event));
    this.#input.addEventListener("paste", (event) => {
      if (this.#attachments.takeFrom(event.clipboardData)) event.preventDefault();
    });
    // Of a chat with a message that is being answered or edited its recall takes what it is about.
    this.#client.on("message", (conversation, { media, ref }) => {
      const about = this.#about?.message.seq;
      if (media === MEDIA.RECALL && ref === about && this.#isOpen(conversation)) this.#lost();
    });
  }

  /** How many files aren't sent yet. */
  get unsentFiles() { return this.#attachments.unsent; }

  focus() { this.#input.focus(); }

  /** @param {Address} conversation */
  open(conversation) {
    this.#conversation = conversation;
    this.#commands.open(conversation);
    this.#attachments.open(conversation);
    this.#voice.open(conversation);
    this.showDraft();
    if (matchMedia("(hover: hover)").matches) this.#input.focus(); // on a phone the keyboard would cover the chat
  }

  /** Shows the draft of the open chat as it is stored. */
  showDraft() {
    if (!this.#conversation) return;
    const { text, about = null, mentions = [] } = this.#drafts.of(this.#key);
    this.#mentions.open(this.#conversation, mentions);
    this.#about = Number.isSafeInteger(about?.message?.seq) ? about : null; // a storage may hold anything
    this.#showAbout();
    this.#write((about?.kind === "edit" ? about.text : text) ?? "");
  }

  close() {
    this.#voice.close();
    this.#panel.close();
    this.#mentions.close();
    this.#commands.close();
    this.#attachments.close();
    this.#conversation = null;
  }

  /** @param {ShownMessage} message */
  replyTo(message) {
    this.#endAbout();
    this.#begin({ kind: "reply", message: essence(message) });
  }

  /** @param {ShownMessage} message */
  edit(message) {
    this.#endAbout();
    this.#begin({ kind: "edit", message: essence(message), text: message.content ?? "" });
    this.#write(message.content ?? "");
  }

  /**
   * Sends a message; false, having said why, when it can't be.
   * @param {Words} message
   * @param {Address} conversation
   */
  #post(message, { scope, dstid }) {
    try {
      this.#client.send(scope, dstid, message);
      return true;
    } catch (error) {
      const large = error instanceof Error && error.message === "too large";
      toast(large ? t("problem.too-large") : t("problem.outbox-full"), "bad");
      return false;
    }
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    // While an input method composes, Enter chooses a word (keyCode 229 is Safari's way to say so).
    if (event.isComposing || event.keyCode === 229) return;
    if (this.#mentions.key(event) || this.#commands.key(event)) return;
    if (event.key === "Escape") this.#escape();
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    this.#submit();
  }

  #escape() {
    if (this.#panel.isOpen) this.#panel.close();
    else this.#endAbout();
  }

  #submit() {
    const conversation = this.#conversation;
    if (!conversation) return;
    const text = wellFormed(this.#input.value.trim());
    if (lengthOf(text) > TEXT_BOUND) return toast(this.#tooLong(text), "bad");
    const edited = this.#about?.kind === "edit" ? this.#about.message : null;
    if (!(edited ? this.#submitEdit(text, edited, conversation) : this.#submitNew(text, conversation))) return;
    this.#panel.close();
    this.#sent(); // who writes wants to see it
  }

  /**
   * @param {string} text
   * @param {Address} conversation
   */
  #submitNew(text, conversation) {
    const files = this.#attachments.waiting;
    if (!text && !files) return false;
    const ref = this.#refOf(conversation);
    const reply = ref ? { ref } : {};
    if (text && !this.#post({ ...this.#messageOf(text), ...reply }, conversation)) return false;
    if (files) this.#attachments.send(text ? 0 : ref);
    this.#end();
    this.#write("");
    return true;
  }

  /**
   * @param {string} text
   * @returns {Words}
   */
  #messageOf(text) {
    const name = emojiName(text);
    if (name) return { media: MEDIA.EMOJI, content: name };
    const mentions = this.#mentions.of(text);
    return { media: MEDIA.TEXT, content: text, ...(mentions.length ? { mentions } : {}) };
  }

  /**
   * @param {string} text
   * @param {About["message"]} message the one that is edited
   * @param {Address} conversation
   */
  #submitEdit(text, { seq, content, mentions = [] }, conversation) {
    if (!text) return false;
    const meant = this.#mentions.of(text, mentions);
    const edit = { media: MEDIA.EDIT, ref: seq, content: text, ...(meant.length ? { mentions: meant } : {}) };
    if (text !== content && !this.#post(edit, conversation)) return false;
    this.#endAbout();
    return true;
  }

  /**
   * @param {string} url
   * @param {string} name
   */
  #sticker(url, name) {
    const conversation = this.#conversation;
    if (!conversation) return;
    const ref = this.#refOf(conversation);
    if (!this.#post({ media: MEDIA.IMAGE, url, memo: name, ...(ref ? { ref } : {}) }, conversation)) return;
    if (ref) this.#end();
    this.#panel.close();
    this.#sent();
  }

  /**
   * The seq of the message that the next one of a chat answers, or 0.
   * @param {Address} conversation
   */
  #refOf(conversation) {
    const about = this.#isOpen(conversation) ? this.#about : this.#drafts.of(keyOf(conversation)).about;
    return about?.kind === "reply" ? about.message.seq : 0;
  }

  /**
   * The same for one that is certain to be sent.
   * @param {Address} conversation
   */
  #takeRef(conversation) {
    const ref = this.#refOf(conversation);
    if (ref && this.#isOpen(conversation)) this.#end();
    else if (ref) this.#drafts.change(keyOf(conversation), { about: null });
    return ref;
  }

  /** @param {string} text */
  #insert(text) {
    this.#input.setRangeText(text, this.#input.selectionStart, this.#input.selectionEnd, "end");
    this.#changed();
    this.#input.focus();
  }

  #changed() {
    this.#grow();
    this.#mentions.look();
    this.#commands.look();
    if (!this.#conversation) return;
    this.#keep(this.#input.value);
    const { scope, dstid } = this.#conversation;
    if (this.#input.value && this.#about?.kind !== "edit") this.#client.typing(scope, dstid);
  }

  /** @param {string} text */
  #write(text) {
    this.#input.value = text;
    this.#grow();
    this.#keep(text);
  }

  /** @param {string} text */
  #keep(text) {
    if (this.#about?.kind === "edit") {
      this.#about = { ...this.#about, text };
      this.#drafts.change(this.#key, { about: this.#about });
    } else this.#drafts.change(this.#key, { text, mentions: text ? this.#mentions.chosen : [] });
  }

  #grow() {
    this.#input.style.height = "auto";
    this.#input.style.height = `${Math.min(this.#input.scrollHeight, TALLEST)}px`;
    this.#look();
  }

  /** Shows whether there is something to send, and why it can't be sent. */
  #look() {
    const text = this.#input.value.trim();
    const length = text.length < COUNTED_FROM ? text.length : lengthOf(text);
    const over = length > TEXT_BOUND;
    const words = over ? this.#tooLong(text) : t("compose.send");
    this.element.classList.toggle("filled", Boolean(text));
    this.element.classList.toggle("ready", Boolean(text || this.#attachments.waiting) && !over);
    this.#count.hidden = length < COUNTED_FROM;
    this.#count.textContent = over ? words : `${length} / ${TEXT_BOUND}`;
    this.#count.classList.toggle("bad", over);
    this.#send.setAttribute("aria-disabled", String(over));
    for (const name of ["title", "aria-label"]) this.#send.setAttribute(name, words);
  }

  /** @param {string} text */
  #tooLong(text) { return t("compose.too-long", { count: lengthOf(text) - TEXT_BOUND, most: TEXT_BOUND }); }

  /** @param {About} about */
  #begin(about) {
    this.#about = about;
    this.#drafts.change(this.#key, { about });
    this.#showAbout();
    this.#input.focus();
  }

  #showAbout() {
    this.#line.hidden = !this.#about;
    if (!this.#about) return;
    const { kind, message } = this.#about;
    const people = this.#people;
    const edits = kind === "edit";
    const title = edits ? t("action.edit") : people.name(message.userid);
    fill(this.#line, icon(edits ? "edit" : "reply"), h("span", {}, h("b", {}, apart(title)), " ", apart(preview(message, people))),
      iconButton("close", t("action.cancel"), () => { this.#endAbout(); this.#input.focus(); }));
  }

  /** Ends a reply or an edit; after an edit the draft is there again. */
  #endAbout() {
    const edited = this.#about?.kind === "edit";
    this.#end();
    if (edited) this.#write(this.#drafts.get(this.#key));
  }

  #end() {
    this.#about = null;
    this.#drafts.change(this.#key, { about: null });
    this.#showAbout();
  }

  /** The message that is answered or edited was recalled; words written for it stay, if only as a draft. */
  #lost() {
    const about = this.#about;
    const words = about?.kind === "edit" && about.text !== about.message.content && about.text;
    this.#endAbout();
    if (words && !this.#input.value) this.#write(words);
    toast(t("event.recalled"));
  }

  /** @param {Address} conversation */
  #isOpen(conversation) { return Boolean(this.#conversation) && keyOf(conversation) === this.#key; }

  /** The name of the open chat's draft. */
  get #key() {
    if (!this.#conversation) throw new Error("no chat is open");
    return keyOf(this.#conversation);
  }
}

/** @param {Address} conversation */
const keyOf = ({ scope, dstid }) => `${scope}:${dstid}`;

/**
 * What has to be known of a message to answer or to edit it.
 * @param {ShownMessage} message
 * @returns {About["message"]}
 */
const essence = ({ seq = 0, userid, cmd, dstid, media, content, url, memo, amount, mentions, at }) =>
  ({ seq, userid, cmd, dstid, media, content, url, memo, amount, mentions, at });

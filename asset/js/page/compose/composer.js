// Where messages are written.

import { MEDIA } from "../../im/index.js";
import { iconButton } from "../button.js";
import { wellFormed } from "../characters.js";
import { h } from "../element.js";
import { toast } from "../toast.js";
import { t } from "../words.js";
import { About } from "./about.js";
import { Attachments } from "./attachments.js";
import { Commands } from "./commands.js";
import { emojiName } from "./emoji-list.js";
import { EmojiPanel } from "./emoji-panel.js";
import { LengthLine, tooLong } from "./length.js";
import { Mentions } from "./mentions.js";
import { moreButton } from "./more-sheet.js";
import { byTouch } from "./touch.js";
import { Voice } from "./voice.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Message, Words } from "../../im/types.js" */
/** @import { People } from "../people.js" */
/** @import { Address, ShownMessage } from "../types.js" */

const TALLEST = 160; // pixels of the input before it scrolls

export class Composer {
  #client; #people; #sent; #input; #send; #about; #length = new LengthLine(); #mentions; #commands; #panel; #attachments; #voice;
  /** @type {Address | null} */
  #conversation = null;

  /**
   * Files dropped on `dropOn` are taken; `sent()` is called when something was sent.
   * @param {{ client: Client, people: People, dropOn: HTMLElement, sent: () => void }} parts
   */
  constructor({ client, people, dropOn, sent }) {
    this.#client = client;
    this.#people = people;
    this.#sent = sent;
    this.#input = h("textarea.composer-input", { rows: 1, "aria-label": t("compose.input"),
      placeholder: t("compose.placeholder"), enterkeyhint: byTouch() ? "enter" : "send" });
    this.#about = new About({ drafts: client.drafts, people, cancel: () => { this.#endAbout(); this.#input.focus(); } });
    this.#send = iconButton("send", t("compose.send"), () => this.#submit(), ".send");
    this.#mentions = new Mentions(this.#input, people);
    this.#commands = new Commands(this.#input, client.rest, people);
    this.#panel = new EmojiPanel({
      user: people.me.id,
      pick: (emoji) => this.#insert(emoji),
      sticker: (url, name) => this.#sticker(url, name),
    });
    this.#attachments = new Attachments({
      client,
      user: people.me.id,
      dropOn,
      post: (message, conversation, cid) => this.#post(message, conversation, cid),
      write: (text) => this.#insert(text),
      changed: () => this.#look(),
      submit: () => this.#submit(),
    });
    this.#voice = new Voice({
      take: (file, seconds, how) => {
        const ref = how.sent ? this.#about.takeRef(keyOf(how.conversation)) : 0;
        this.#attachments.voice(file, seconds, { ...how, ref });
      },
      choose: () => this.#attachments.choose("audio/*"),
    });
    const more = moreButton({
      choose: (name) => this.#attachments.chooseBy(name),
      record: () => this.#voice.begin(),
      emoji: () => this.#panel.toggle(),
    });
    const row = [this.#panel.button, ...this.#attachments.buttons, more, this.#input, this.#voice.button, this.#send];
    this.element = h("div.composer", {},
      this.#attachments.element, this.#about.element, this.#mentions.element, this.#commands.element, this.#panel.element,
      this.#voice.element, this.#length.element, h("div.composer-row", {}, ...row));
    this.#listen();
  }

  get #drafts() { return this.#client.drafts; }

  #listen() {
    this.#send.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus, and a phone its keyboard
    this.#input.addEventListener("input", () => this.#changed());
    this.#input.addEventListener("keydown", (event) => this.#pressed(event));
    this.#input.addEventListener("paste", (event) => {
      if (this.#attachments.takeFrom(event.clipboardData)) event.preventDefault();
    });
    // Of a chat with a message that is being answered or edited its recall takes what it is about.
    this.#client.on("message", (conversation, { media, ref }) => {
      if (media === MEDIA.RECALL && ref && ref === this.#about.seq && this.#isOpen(conversation)) this.#lost();
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
    if (!byTouch()) this.#input.focus(); // on a phone the keyboard would cover the chat
  }

  /** Shows the draft of the open chat as it is stored. */
  showDraft() {
    if (!this.#conversation) return;
    const { text, mentions = [] } = this.#drafts.of(this.#key);
    this.#mentions.open(this.#conversation, mentions);
    this.#about.open(this.#key);
    this.#write(this.#about.edited ? this.#about.words : text);
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
    this.#about.reply(message);
    this.#input.focus();
  }

  /** @param {ShownMessage} message */
  edit(message) {
    this.#endAbout();
    this.#about.edit(message);
    this.#input.focus();
    this.#write(message.content ?? "");
  }

  /**
   * Sends a message; false, having said why, when it can't be.
   * @param {Words} message
   * @param {Address} conversation
   * @param {string} [cid] of a message that has one already
   */
  #post(message, { scope, dstid }, cid) {
    try {
      this.#client.send(scope, dstid, message, cid);
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
    if (event.key === "ArrowUp" && !this.#input.value && !this.#attachments.waiting) this.#editLast(event);
    if (event.key !== "Enter" || event.shiftKey || (byTouch() && !event.ctrlKey && !event.metaKey)) return;
    event.preventDefault();
    this.#submit();
  }

  /**
   * Edits my newest message of the chat, where one is held and nothing else is begun.
   * @param {KeyboardEvent} event
   */
  #editLast(event) {
    if (!this.#conversation || this.#about.seq || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const { scope, dstid } = this.#conversation;
    /** @param {Message} message */
    const mine = ({ userid, media, recalled }) => userid === this.#people.me.id && media === MEDIA.TEXT && !recalled;
    const last = [...this.#client.conversation(scope, dstid).messages()].findLast(mine);
    if (!last) return;
    event.preventDefault();
    this.edit(last);
  }

  #escape() {
    if (this.#panel.isOpen) this.#panel.close();
    else this.#endAbout();
  }

  #submit() {
    const conversation = this.#conversation;
    if (!conversation) return;
    const text = wellFormed(this.#input.value.trim());
    const problem = tooLong(text);
    if (problem) return toast(problem, "bad");
    const { edited } = this.#about;
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
    const ref = this.#about.refOf(this.#key);
    const reply = ref ? { ref } : {};
    if (text && !this.#post({ ...this.#messageOf(text), ...reply }, conversation)) return false;
    if (files) this.#attachments.send(text ? 0 : ref);
    this.#about.end();
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
   * @param {Message} message the one that is edited
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
    const ref = this.#about.refOf(this.#key);
    if (!this.#post({ media: MEDIA.IMAGE, url, memo: name, ...(ref ? { ref } : {}) }, conversation)) return;
    if (ref) this.#about.end();
    this.#panel.close();
    this.#sent();
  }

  /** @param {string} text */
  #insert(text) {
    this.#input.setRangeText(text, this.#input.selectionStart, this.#input.selectionEnd, "end");
    this.#changed();
    if (!byTouch()) this.#input.focus();
  }

  #changed() {
    this.#grow();
    this.#mentions.look();
    this.#commands.look();
    if (!this.#conversation) return;
    this.#keep(this.#input.value);
    const { scope, dstid } = this.#conversation;
    if (this.#input.value && !this.#about.edited) this.#client.typing(scope, dstid);
  }

  /** @param {string} text */
  #write(text) {
    this.#input.value = text;
    this.#grow();
    this.#keep(text);
  }

  /** @param {string} text */
  #keep(text) {
    if (this.#about.edited) this.#about.keep(text);
    else this.#drafts.change(this.#key, { text, mentions: text ? this.#mentions.chosen : [] });
  }

  #grow() {
    this.#input.style.height = "auto";
    this.#input.style.height = `${Math.min(this.#input.scrollHeight, TALLEST)}px`;
    this.#look();
  }

  /** Shows whether there is something to send, and why it can't be sent. */
  #look() {
    const text = this.#input.value.trim();
    const problem = this.#length.look(text);
    this.element.classList.toggle("filled", Boolean(text));
    this.element.classList.toggle("ready", Boolean(text || this.#attachments.waiting) && !problem);
    this.#send.setAttribute("aria-disabled", String(Boolean(problem)));
    for (const name of ["title", "aria-label"]) this.#send.setAttribute(name, problem || t("compose.send"));
  }

  /** Ends a reply or an edit; after an edit the draft is there again. */
  #endAbout() {
    const { edited } = this.#about;
    this.#about.end();
    if (edited) this.#write(this.#drafts.get(this.#key));
  }

  /** The message that is answered or edited was recalled; words written for it stay, if only as a draft. */
  #lost() {
    const words = this.#about.changed && this.#about.words;
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

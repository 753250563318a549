// Where messages are written.

import { MEDIA } from "../../im/index.js";
import { iconButton } from "../button.js";
import { fill, h } from "../element.js";
import { icon } from "../icon.js";
import { preview } from "../preview.js";
import { toast } from "../toast.js";
import { t } from "../words.js";
import { Attachments } from "./attachments.js";
import { emojiName } from "./emoji-list.js";
import { EmojiPanel } from "./emoji-panel.js";
import { Mentions } from "./mentions.js";
import { Voice } from "./voice.js";

const TEXT_BOUND = 8000; // characters the server takes
const TALLEST = 160; // pixels of the input before it scrolls

export class Composer {
  #talk; #input; #about; #mentions; #panel; #attachments; #voice;
  #conversation = null; #ref = 0; #editing = null;

  constructor(talk) {
    this.#talk = talk;
    this.#input = h("textarea.composer-input", { rows: 1, maxlength: TEXT_BOUND, "aria-label": t("compose.input"),
      placeholder: t("compose.placeholder"), enterkeyhint: "send" });
    this.#about = h("div.composer-about", { hidden: true });
    this.#mentions = new Mentions(this.#input, talk.app.people);
    this.#panel = new EmojiPanel({
      pick: (emoji) => this.#insert(emoji),
      sticker: (url, name) => this.#sticker(url, name),
    });
    this.#attachments = new Attachments(talk, (message) => this.post(message));
    this.#voice = new Voice({
      take: (file, seconds) => this.#attachments.voice(file, seconds),
      choose: () => this.#attachments.choose("audio/*"),
    });
    const send = iconButton("send", t("compose.send"), () => this.#submit(), ".send");
    const row = [this.#panel.button, ...this.#attachments.buttons, this.#input, this.#voice.button, send];
    this.element = h("div.composer", {},
      this.#attachments.element, this.#about, this.#mentions.element, this.#panel.element, this.#voice.element,
      h("div.composer-row", {}, ...row));
    this.#listen();
  }

  #listen() {
    this.#input.addEventListener("input", () => this.#changed());
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#input.addEventListener("paste", (event) => {
      if (!event.clipboardData.files.length) return;
      event.preventDefault();
      this.#attachments.take(event.clipboardData.files);
    });
  }

  open(conversation) {
    this.#conversation = conversation;
    this.#clearAbout();
    this.#mentions.open(conversation);
    this.#attachments.open(conversation);
    this.#write(this.#talk.app.client.drafts.get(this.#place()));
    if (matchMedia("(hover: hover)").matches) this.#input.focus(); // on a phone the keyboard would cover the chat
  }

  close() {
    this.#voice.cancel();
    this.#panel.close();
    this.#mentions.close();
    this.#conversation = null;
  }

  replyTo(message) {
    this.#clearAbout();
    this.#ref = message.seq;
    this.#showAbout("reply", this.#talk.app.people.name(message.userid), preview(message, this.#talk.app.people));
  }

  edit(message) {
    this.#clearAbout();
    this.#editing = message;
    this.#showAbout("edit", t("action.edit"), message.content);
    this.#write(message.content ?? "");
  }

  /** Sends a message in the open conversation (or where `place` says), with the reply that is being written. */
  post(message, place = this.#conversation) {
    const reply = this.#ref && place === this.#conversation ? { ref: this.#ref } : {};
    try {
      this.#talk.app.client.send(place.scope, place.dstid, { ...message, ...reply });
    } catch (error) {
      return toast((error.message === "too large" ? t("problem.too-large") : t("problem.outbox-full")), "bad");
    }
    if (reply.ref) this.#clearAbout();
    return undefined;
  }

  #key(event) {
    // While an input method composes, Enter chooses a word (keyCode 229 is Safari's way to say so).
    if (event.isComposing || event.keyCode === 229) return;
    if (this.#mentions.key(event)) return;
    if (event.key === "Escape" && !this.#about.hidden) this.#endAbout();
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const text = this.#input.value.trim();
    if (!text || !this.#conversation) return;
    if (this.#editing) this.#postEdit(text);
    else this.post(this.#messageOf(text));
    this.#clearAbout();
    this.#write("");
    this.#panel.close();
  }

  #messageOf(text) {
    const name = emojiName(text);
    if (name) return { media: MEDIA.EMOJI, content: name };
    const mentions = this.#mentions.of(text);
    return { media: MEDIA.TEXT, content: text, ...(mentions.length ? { mentions } : {}) };
  }

  #postEdit(text) {
    const { seq, content, mentions = [] } = this.#editing;
    if (text === content) return;
    const meant = this.#mentions.of(text, mentions);
    this.post({ media: MEDIA.EDIT, ref: seq, content: text, ...(meant.length ? { mentions: meant } : {}) });
  }

  #sticker(url, name) {
    this.post({ media: MEDIA.IMAGE, url, memo: name });
    this.#panel.close();
  }

  #insert(text) {
    this.#input.setRangeText(text, this.#input.selectionStart, this.#input.selectionEnd, "end");
    this.#changed();
    this.#input.focus();
  }

  #changed() {
    this.#grow();
    this.#mentions.look();
    if (!this.#conversation || this.#editing) return;
    const { scope, dstid } = this.#conversation;
    this.#talk.app.client.drafts.set(this.#place(), this.#input.value);
    if (this.#input.value) this.#talk.app.client.typing(scope, dstid);
  }

  #write(text) {
    this.#input.value = text;
    this.#grow();
    if (!this.#editing) this.#talk.app.client.drafts.set(this.#place(), text);
    if (this.#editing) this.#input.focus();
  }

  #grow() {
    this.#input.style.height = "auto";
    this.#input.style.height = `${Math.min(this.#input.scrollHeight, TALLEST)}px`;
    this.element.classList.toggle("filled", Boolean(this.#input.value.trim()));
  }

  #showAbout(name, title, text) {
    this.#about.hidden = false;
    fill(this.#about, icon(name), h("span", {}, h("b", {}, title), " ", text),
      iconButton("close", t("action.cancel"), () => this.#endAbout()));
    this.#input.focus();
  }

  #endAbout() {
    const edited = this.#editing;
    this.#clearAbout();
    if (edited) this.#write(this.#talk.app.client.drafts.get(this.#place()));
  }

  #clearAbout() {
    this.#ref = 0;
    this.#editing = null;
    this.#about.hidden = true;
  }

  #place() { return `${this.#conversation.scope}:${this.#conversation.dstid}`; }
}

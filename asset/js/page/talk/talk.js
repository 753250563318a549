// The chat window: one conversation, its messages and the composer.

import { MEDIA, Refused, keyOf } from "../../im/index.js";
import { Composer } from "../compose/composer.js";
import { confirmed } from "../dialog.js";
import { fill, h } from "../element.js";
import { Selection } from "../forwarding/selection.js";
import { icon } from "../icon.js";
import { toast } from "../toast.js";
import { reason, refusal, t } from "../words.js";
import { Announcer } from "./announcer.js";
import { ChatSearch } from "./chat-search.js";
import { isShown } from "./bubble.js";
import { DayMark } from "./day-mark.js";
import { Head } from "./head.js";
import { Jump } from "./jump.js";
import { messageParts } from "./message-parts.js";
import { NewMark } from "./new-mark.js";
import { Renewal } from "./renewal.js";
import { Rows, itemsOf } from "./rows.js";
import { Scroll } from "./scroll.js";
import { Seeking } from "./seeking.js";
import { AROUND, Slice } from "./slice.js";
import { Typing } from "./typing.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Conversation } from "../../im/conversation.js" */
/** @import { Entry, Words } from "../../im/types.js" */
/** @import { People } from "../people.js" */
/** @import { Address, Show, ShownMessage } from "../types.js" */
/** @import { ReadingPosition } from "./scroll.js" */
/** @import { RowParts } from "./types.js" */

export class Talk {
  #client; #people; #inView; #element; #composer; #rows; #typing; #head; #box; #body; #jump; #day; #announcer; #search;
  #renewal; #drawing = false; #paging = false; #beginning = true; #fromNew = false; #forward = false; #seeking; #selection; #slice = new Slice(isShown);
  /** @type {object | null} set while the message that was asked for isn't there yet: until then nothing is shown */
  #landing = null;
  #new = new NewMark();
  /** @type {Conversation | null} */
  #conversation = null;
  /** @type {Scroll | null} */
  #scroll = null;
  /** @type {Map<string, ReadingPosition>} */
  #positions = new Map();

  /**
   * `inView()` says whether the page shows this part of it now: a phone shows either the lists or the chat.
   * @param {HTMLElement} element
   * @param {{ client: Client, people: People, show: Show, inView: () => boolean }} parts
   */
  constructor(element, { client, people, show, inView }) {
    this.#client = client;
    this.#people = people;
    this.#inView = inView;
    this.#element = element;
    this.#composer = new Composer({ client, people, dropOn: element, sent: () => { this.#new.clear(); this.toEnd(); } });
    this.#rows = new Rows(this.#forRows(show));
    this.#seeking = new Seeking(client, this.#rows.element, (seq) => this.#drawAround(seq));
    this.#renewal = new Renewal(client, this.#rows.element, () => this.#conversation);
    this.#head = new Head({ client, people, show });
    this.#typing = new Typing(people, (words) => this.#head.showTypists(words));
    this.#box = h("div.talk-scroll", { tabindex: -1 }, h("div.talk-inner", {}, this.#rows.element));
    this.#jump = new Jump(() => this.toEnd());
    this.#day = new DayMark(this.#box, this.#rows.element);
    this.#announcer = new Announcer(people);
    this.#search = new ChatSearch({ client, people, goTo: (seq) => this.#goTo(seq) });
    this.#body = h("div.talk-body", {}, this.#box, this.#day.element, this.#jump.element, this.#announcer.element);
    this.#selection = new Selection({ client, people, rows: this.#rows.element, frame: element, at: (seq) => this.#conversation?.at(seq) });
    this.#listen();
  }

  /** How many files of all chats aren't sent yet. */
  get unsentFiles() { return this.#composer.unsentFiles; }

  /** The draft of the open chat was changed in another tab. */
  showDraft() { this.#composer.showDraft(); }

  /**
   * @param {Show} show
   * @returns {RowParts}
   */
  #forRows(show) {
    const people = this.#people;
    return {
      ...messageParts({ client: this.#client, people }, () => this.#conversation),
      people,
      show,
      goTo: (seq) => this.#goTo(seq),
      reply: (message) => this.#composer.replyTo(message),
      edit: (message) => this.#composer.edit(message),
      recall: (message) => this.#recall(message),
      select: (message) => this.#selection.begin(message),
      react: ({ seq }, emoji) => this.#send({ media: MEDIA.REACTION, ref: seq, content: emoji }),
    };
  }

  #listen() {
    const [client, people] = [this.#client, this.#people];
    client.on("message", (conversation, message) => {
      if (!this.#shows(conversation)) return;
      if (conversation !== this.#conversation) this.#restarted(conversation); // left and joined again
      this.#typing.done(message.userid);
      this.#announcer.take(message);
      this.#draw();
    });
    client.on("waiting", () => this.#draw());
    client.on("answered", () => this.#draw());
    client.on("paused", () => toast(t("talk.paused")));
    client.on("refused", (entry) => this.#refused(entry));
    client.on("read", () => this.#draw());
    client.on("renewed", () => this.#draw());
    client.on("restarted", (conversation) => this.#restarted(conversation));
    client.on("typing", ({ scope, dstid, userid }) => {
      if (this.#shows({ scope, dstid })) this.#typing.seen(userid ?? dstid);
    });
    client.on("state", () => this.#head.show(this.#conversation));
    people.on("changed", () => { this.#head.show(this.#conversation); this.#draw(); });
    this.#rows.element.addEventListener("keydown", ({ key, target }) => {
      if (key === "Escape" && target instanceof Element && target.matches("li")) this.#composer.focus();
    });
    document.addEventListener("visibilitychange", () => this.#seen());
    globalThis.addEventListener("focus", () => this.#seen());
  }

  /**
   * Opens a conversation, at one of its messages if `seq` names one.
   * @param {number} scope
   * @param {number} dstid
   * @param {number} [seq]
   */
  open(scope, dstid, seq = 0) {
    if (this.#shows({ scope, dstid })) {
      if (seq) this.#goTo(seq);
      return;
    }
    this.close();
    const conversation = this.#client.conversation(scope, dstid);
    this.#conversation = conversation;
    fill(this.#element, this.#head.element, this.#search.element, this.#body, this.#selection.element, this.#composer.element);
    const scroll = this.#scroll ??= new Scroll(this.#box, this.#rows.element,
      { reachedTop: () => this.#older(), reachedBottom: () => this.#newer(), moved: (atEnd) => this.#moved(atEnd),
        isLast: () => !this.#landing && this.#slice.open && !this.#conversation?.apart });
    this.#beginning = this.#fromNew = true;
    this.#new.begin(conversation, this.#client.state === "online");
    this.#head.show(this.#conversation);
    this.#composer.open(conversation);
    if (seq) this.#land(conversation, scroll, seq);
    else this.#start(conversation, scroll, this.#positions.get(keyOf(scope, dstid)));
    this.#renewal.renew();
  }

  /**
   * @param {Conversation} conversation
   * @param {Scroll} scroll
   * @param {ReadingPosition} [position]
   */
  #start(conversation, scroll, position) {
    this.#begin(conversation, scroll, position);
    if (scroll.nearTop || !conversation.size) this.#older();
    else this.#begun();
  }

  /**
   * Shows what is around a message, or, where that can't be had, what would be shown without it.
   * @param {Conversation} conversation
   * @param {Scroll} scroll
   * @param {number} seq
   */
  async #land(conversation, scroll, seq) {
    const landing = this.#landing = {};
    scroll.begin(false);
    await this.#goTo(seq);
    if (this.#landing === landing && this.#conversation) {
      this.#landing = null;
      this.#client.reading(this.#conversation, false);
      this.#start(this.#conversation, scroll);
    } else if (conversation === this.#conversation) {
      this.#client.reading(conversation, !scroll.following);
      this.#begun();
    }
  }

  /**
   * Shows what is held, where it was read before, at the first new message, or at the end.
   * @param {Conversation} conversation
   * @param {Scroll} scroll
   * @param {ReadingPosition | undefined} position
   */
  #begin(conversation, scroll, position) {
    const from = position ? Number(position.seq) : conversation.unread && conversation.read + 1;
    if (from && conversation.at(from)) this.#slice.around(conversation, from);
    else this.#slice.toEnd(conversation);
    scroll.begin(!position);
    this.#drawNow();
    if (!position || !scroll.goBack(position)) return this.#toStart();
    this.#begun();
    return this.#client.reading(conversation, true);
  }

  /** Goes to the end; in a chat that was opened to its first new message, if that is above the window then. */
  #toStart() {
    this.#scroll?.toEnd();
    const row = this.#rows.element.querySelector(".new");
    if (this.#fromNew && row instanceof HTMLElement) this.#scroll?.showFrom(row);
  }

  /** From now on what is shown counts as seen. */
  #begun() {
    this.#beginning = false;
    if (this.#conversation?.head) this.#fromNew = false; // before, nothing is known of it
    this.#seen();
    this.#showJump();
  }

  /** Looks for something in the open conversation. */
  search() { if (this.#conversation) this.#search.open(this.#conversation); }

  close() {
    if (!this.#conversation) return;
    this.#search.close();
    this.#keepPosition(this.#conversation);
    this.#composer.close();
    this.#selection.end();
    this.#typing.clear();
    this.#rows.show([]);
    this.#announcer.clear();
    this.#conversation = this.#landing = null;
    fill(this.#element, h("div.talk-none", {}, icon("chat"), h("p", {}, t("talk.none"))));
  }

  /** Shows what has changed, once, after everything that happens now. */
  #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    queueMicrotask(() => {
      this.#drawing = false;
      this.#drawNow();
    });
  }

  /** @param {ShownMessage} message */
  async #recall({ seq }) {
    const conversation = this.#conversation; // another may be open once the question is answered
    const sure = await confirmed(t("action.recall-question"), t("action.recall"));
    if (sure) this.#send({ media: MEDIA.RECALL, ref: seq }, conversation);
  }

  toEnd() {
    const [conversation, scroll] = [this.#conversation, this.#scroll];
    if (!conversation || !scroll) return;
    if (conversation.apart) {
      scroll.begin(true);
      this.#client.toNewest(conversation);
      return;
    }
    if (!this.#slice.open) {
      this.#slice.toEnd(conversation);
      this.#drawNow();
    }
    scroll.toEnd();
  }

  /** @param {number} seq */
  async #goTo(seq) {
    const conversation = this.#conversation;
    if (!conversation || !this.#scroll) return;
    await this.#seeking.goTo(seq, conversation, this.#scroll, () => conversation === this.#conversation);
    // The rest of what fits around it, each side in a task of its own.
    setTimeout(() => { if (this.#scroll?.nearTop) this.#older(); });
    setTimeout(() => this.#newer());
  }

  /** @param {Address} address */
  #shows({ scope, dstid }) { return this.#conversation?.scope === scope && this.#conversation.dstid === dstid; }

  /**
   * The chat is left: whoever comes back finds it where it was read.
   * @param {Conversation} conversation
   */
  #keepPosition(conversation) {
    const key = keyOf(conversation.scope, conversation.dstid);
    const position = this.#scroll?.position;
    if (position) this.#positions.set(key, position);
    else this.#positions.delete(key);
    this.#client.reading(conversation, false);
  }

  /**
   * @param {Words} message
   * @param {Address | null} [conversation]
   */
  #send(message, conversation = this.#conversation) {
    if (conversation) this.#client.send(conversation.scope, conversation.dstid, message);
  }

  #drawNow() {
    const [conversation, scroll] = [this.#conversation, this.#scroll];
    if (!conversation || !scroll || this.#landing) return;
    this.#new.look(conversation, this.#sees);
    const { before, messages } = this.#slice.of(conversation, scroll.following);
    const atEnd = this.#slice.open && !conversation.apart;
    const waiting = atEnd ? this.#client.waiting(conversation.scope, conversation.dstid).filter(({ message }) => isShown(message)) : [];
    const items = itemsOf(messages, conversation, waiting, this.#people.me);
    scroll.around(() => this.#rows.show(items, { before, newAfter: this.#new.after }));
    this.#seeking.mark();
    this.#day.look();
    this.#seen();
    this.#showJump();
  }

  /**
   * Shows what is held around a message.
   * @param {number} seq
   */
  #drawAround(seq) {
    this.#landing = null;
    if (this.#conversation) this.#slice.around(this.#conversation, seq, AROUND);
    this.#drawNow();
  }

  /** More rows above: of what is held, then of the page before it. */
  async #older() {
    const [conversation, scroll] = [this.#conversation, this.#scroll];
    if (this.#paging || this.#landing || !conversation || !scroll) return;
    this.#paging = true;
    try {
      let more = true;
      do {
        if (this.#beginning || !this.#slice.up(conversation)) {
          more = await this.#client.older(conversation);
          if (conversation !== this.#conversation) break;
          this.#slice.up(conversation);
        }
        this.#drawNow();
        if (this.#beginning) this.#toStart();
        if (this.#beginning) this.#begun();
      } while (more && scroll.nearTop);
    } catch (error) {
      // Without a network the state line says it already.
      if (error instanceof Refused && error.status) toast(reason(error), "bad");
    } finally {
      this.#paging = false;
    }
    if (this.#conversation && conversation !== this.#conversation) this.#older();
  }

  /** More rows below: of what is held, then of the page after a part of the past that was gone to. */
  async #newer() {
    const [conversation, scroll] = [this.#conversation, this.#scroll];
    if (!conversation || !scroll || this.#landing) return;
    while (scroll.nearBottom && this.#slice.down(conversation)) this.#drawNow();
    if (this.#forward || !conversation.apart || !scroll.nearBottom) return;
    this.#forward = true;
    try {
      await this.#client.newer(conversation);
      if (conversation !== this.#conversation) return;
      this.#slice.down(conversation);
      this.#drawNow();
    } catch (error) {
      if (error instanceof Refused && error.status) toast(reason(error), "bad");
    } finally {
      this.#forward = false;
    }
  }

  /** @param {Conversation} [conversation] */
  #restarted(conversation) {
    if (!this.#conversation) return;
    const { scope, dstid } = this.#conversation;
    if (conversation && !this.#shows(conversation)) return;
    this.#conversation = this.#client.conversation(scope, dstid);
    this.#draw();
    if (this.#conversation.size || this.#landing) return; // only what it holds has changed
    this.#slice.toEnd(this.#conversation);
    this.#beginning = true;
    this.#older();
  }

  /** @param {Entry} entry */
  #refused(entry) {
    if (entry.message.media >= MEDIA.RECALL) {
      this.#client.discard(entry.message.cid);
      toast(refusal(entry.error), "bad");
    }
    this.#draw();
  }

  /** @param {boolean} atEnd */
  #moved(atEnd) {
    if (this.#conversation) this.#client.reading(this.#conversation, !atEnd);
    this.#seen();
    this.#showJump();
  }

  #showJump() {
    const away = !this.#landing && Boolean(this.#scroll && !this.#scroll.following);
    this.#jump.show(away, this.#conversation?.unread ?? 0);
  }

  /** Whether somebody looks at the newest messages now. */
  get #sees() { return Boolean(this.#scroll?.following) && document.visibilityState === "visible" && this.#inView(); }

  #seen() { if (this.#conversation && !this.#beginning && this.#sees) this.#client.read(this.#conversation); }
}

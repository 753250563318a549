// The message that is being answered or edited: shown above the field, and kept with the chat's draft.

import { iconButton } from "../button.js";
import { fill, h } from "../element.js";
import { icon } from "../icon.js";
import { preview } from "../preview.js";
import { apart } from "../strangers.js";
import { t } from "../words.js";

/** @import { Drafts } from "../../im/drafts.js" */
/** @import { Draft } from "../../im/types.js" */
/** @import { People } from "../people.js" */
/** @import { ShownMessage } from "../types.js" */
/** @typedef {NonNullable<Draft["about"]>} Kept as drafts keep it */

export class About {
  #drafts; #people; #cancel; #key = "";
  /** @type {Kept | null} */
  #about = null;

  /**
   * `cancel()` is called when somebody doesn't want to answer or edit it after all.
   * @param {{ drafts: Drafts, people: People, cancel: () => void }} parts
   */
  constructor({ drafts, people, cancel }) {
    this.#drafts = drafts;
    this.#people = people;
    this.#cancel = cancel;
    this.element = h("div.composer-about", { hidden: true });
  }

  /** The message that is edited, or null. */
  get edited() { return this.#about?.kind === "edit" ? this.#about.message : null; }

  /** The words of the edit so far; "" where nothing is edited. */
  get words() { return this.edited ? this.#about?.text ?? "" : ""; }

  /** Whether words are written for an edit that the message doesn't have yet. */
  get changed() { return Boolean(this.edited) && this.words !== this.edited?.content; }

  /** The seq of the message that it is about; 0 where there is none. */
  get seq() { return this.#about?.message.seq ?? 0; }

  /**
   * Shows what the chat `key` had.
   * @param {string} key
   */
  open(key) {
    this.#key = key;
    const { about = null } = this.#drafts.of(key);
    this.#about = Number.isSafeInteger(about?.message?.seq) ? about : null; // a storage may hold anything
    this.#show();
  }

  /** @param {ShownMessage} message */
  reply(message) { this.#begin({ kind: "reply", message: essence(message) }); }

  /** @param {ShownMessage} message */
  edit(message) { this.#begin({ kind: "edit", message: essence(message), text: message.content ?? "" }); }

  /**
   * Keeps the new words of the message that is edited.
   * @param {string} text
   */
  keep(text) {
    if (!this.#about) return;
    this.#about = { ...this.#about, text };
    this.#drafts.change(this.#key, { about: this.#about });
  }

  end() {
    this.#about = null;
    this.#drafts.change(this.#key, { about: null });
    this.#show();
  }

  /**
   * The seq of the message that the next one of the chat `key` answers, or 0.
   * @param {string} key
   */
  refOf(key) {
    const about = key === this.#key ? this.#about : this.#drafts.of(key).about;
    return about?.kind === "reply" ? about.message.seq : 0;
  }

  /**
   * The same for one that is certain to be sent.
   * @param {string} key
   */
  takeRef(key) {
    const ref = this.refOf(key);
    if (ref && key === this.#key) this.end();
    else if (ref) this.#drafts.change(key, { about: null });
    return ref;
  }

  /** @param {Kept} about */
  #begin(about) {
    this.#about = about;
    this.#drafts.change(this.#key, { about });
    this.#show();
  }

  #show() {
    this.element.hidden = !this.#about;
    if (!this.#about) return;
    const { kind, message } = this.#about;
    const edits = kind === "edit";
    const title = edits ? t("action.edit") : this.#people.name(message.userid);
    fill(this.element, icon(edits ? "edit" : "reply"),
      h("span", {}, h("b", {}, apart(title)), " ", apart(preview(message, this.#people))),
      iconButton("close", t("action.cancel"), this.#cancel));
  }
}

/**
 * What has to be known of a message to answer or to edit it.
 * @param {ShownMessage} message
 * @returns {Kept["message"]}
 */
const essence = ({ seq = 0, userid, cmd, dstid, media, content, url, memo, amount, mentions, at }) =>
  ({ seq, userid, cmd, dstid, media, content, url, memo, amount, mentions, at });

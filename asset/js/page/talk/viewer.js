// The picture viewer: one picture over the whole window, and the others of its conversation beside it.

import { MEDIA } from "../../im/index.js";
import { LINK, mediaAddress } from "../address.js";
import { iconButton } from "../button.js";
import { shown } from "../dialog.js";
import { fill, h } from "../element.js";
import { icon } from "../icon.js";
import { stamp, whole } from "../moment.js";
import { apart, fileName, isolated } from "../strangers.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";
import { Gallery } from "./gallery.js";
import { Stage } from "./stage.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Conversation } from "../../im/conversation.js" */
/** @import { IconName } from "../icon.js" */
/** @import { People } from "../people.js" */
/** @import { ShownMessage } from "../types.js" */

const STEP = 1.5; // by which a key or a button enlarges

/**
 * Whether a message is a picture that can be looked at, and no sticker.
 * @param {ShownMessage} message
 */
const isPicture = ({ media, url, recalled }) =>
  media === MEDIA.IMAGE && !recalled && !url?.startsWith("/asset/stickers/") && mediaAddress(url) !== null;

/**
 * @param {ShownMessage} message
 * @param {{ client: Client, people: People, conversation: Conversation }} parts
 */
export function openViewer(message, { client, people, conversation }) {
  new Viewer(message, new Gallery(client, conversation, isPicture), people);
}

class Viewer {
  #message; #gallery; #people; #stage; #box; #about; #links; #close;
  /** @type {Map<-1 | 1, HTMLElement>} */
  #sides = new Map();
  #going = false;

  /**
   * @param {ShownMessage} message
   * @param {Gallery} gallery
   * @param {People} people
   */
  constructor(message, gallery, people) {
    this.#message = message;
    this.#gallery = gallery;
    this.#people = people;
    this.#stage = new Stage({ aside: (way) => this.#go(way), left: () => this.#box.close() });
    this.#about = h("div.viewer-about", { "aria-live": "polite" });
    this.#links = h("span.viewer-links");
    this.#close = iconButton("close", t("action.close"), () => this.#box.close());
    this.#sides.set(-1, this.#side(-1, "back", t("viewer.before"))).set(1, this.#side(1, "next", t("viewer.after")));
    this.#box = h("dialog.lightbox", {}, this.#stage.element, h("div.lightbox-bar", {}, this.#about,
      iconButton("less", t("viewer.smaller"), () => this.#stage.zoom(1 / STEP)), iconButton("add", t("viewer.larger"), () => this.#stage.zoom(STEP)),
      this.#links, this.#close), ...this.#sides.values());
    this.#box.addEventListener("keydown", (event) => this.#pressed(event));
    const stop = people.changes(() => this.#tell());
    this.#box.addEventListener("close", stop, { once: true });
    this.#draw();
    shown(this.#box);
    this.#close.focus();
  }

  /**
   * @param {-1 | 1} way
   * @param {IconName} mark
   * @param {string} words
   */
  #side(way, mark, words) { return iconButton(mark, words, () => this.#go(way), `.viewer-side${way < 0 ? ".before" : ".after"}`); }

  #draw() {
    const { url, memo } = this.#message;
    const address = mediaAddress(url) ?? "";
    const name = isolated(memo) || t("media.picture");
    this.#box.setAttribute("aria-label", name);
    this.#stage.show(address, name);
    fill(this.#links, link(address, "download", t("viewer.download"), { download: fileName(memo).name || true }),
      link(address, "share", t("action.open-original"), {}));
    this.#tell();
    this.#look();
  }

  /** Says who has sent it, and when. */
  #tell() {
    const { userid, at } = this.#message;
    fill(this.#about, h("b", {}, apart(this.#people.name(userid))), h("time", { datetime: stamp(at) }, whole(at)));
  }

  /** Offers the ways to another picture, where there is one. */
  #look() {
    const { seq } = this.#message;
    for (const [way, side] of this.#sides) {
      if (!seq) this.#offer(side, false);
      // Where it can't be known, trying says why.
      else this.#gallery.beside(seq, way).catch(() => true).then((found) => seq === this.#message.seq && this.#offer(side, Boolean(found)));
    }
  }

  /**
   * @param {HTMLElement} side
   * @param {boolean} yes
   */
  #offer(side, yes) {
    if (!yes && side === document.activeElement) this.#close.focus();
    side.hidden = !yes;
  }

  /** @param {-1 | 1} way */
  async #go(way) {
    const { seq } = this.#message;
    if (!seq || this.#going) return;
    this.#going = true;
    try {
      const found = await this.#gallery.beside(seq, way);
      if (!found || !this.#box.open) return;
      this.#message = found;
      this.#draw();
    } catch (error) {
      toast(reason(error), "bad");
    } finally {
      this.#going = false;
    }
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const does = KEYS.get(event.key);
    if (!does || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if ("way" in does) this.#go(does.way);
    else this.#stage.zoom(does.by);
  }
}

/** @type {Map<string, { way: -1 | 1 } | { by: number }>} */
const KEYS = new Map([
  ["ArrowLeft", { way: -1 }], ["ArrowRight", { way: 1 }],
  ["+", { by: STEP }], ["=", { by: STEP }], ["-", { by: 1 / STEP }], ["0", { by: 0 }],
]);

/**
 * @param {string} address
 * @param {IconName} mark
 * @param {string} words
 * @param {{ download?: string | boolean }} more
 */
const link = (address, mark, words, more) => h("a.round", { href: address, title: words, "aria-label": words, ...more, ...LINK }, icon(mark));

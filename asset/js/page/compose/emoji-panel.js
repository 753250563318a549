// The panel of emoji and stickers.

import { over } from "../back.js";
import { iconButton } from "../button.js";
import { fill, h } from "../element.js";
import { BASE } from "../pages.js";
import { t } from "../words.js";
import { EMOJI } from "./emoji-list.js";

/** @import { Child } from "../element.js" */

const PACKS = ["/asset/stickers/twimmy/"]; // folders with an info.json: a Pack

/** @typedef {{ id: string, name: string, icon: string, assets: { file: string, name: string }[] }} Pack */

export class EmojiPanel {
  #pick; #sticker; #body; #tabs; #built = false;
  /** @type {(() => void) | null} */
  #closed = null;

  /** @param {{ pick: (emoji: string) => void, sticker: (url: string, name: string) => void }} calls */
  constructor({ pick, sticker }) {
    this.#pick = pick;
    this.#sticker = sticker;
    this.#body = h("div.emoji-grid");
    this.#tabs = h("div.emoji-tabs", { role: "group", "aria-label": t("compose.emoji") });
    this.element = h("div.emoji-panel", { hidden: true }, this.#body, this.#tabs);
    this.button = iconButton("emoji", t("compose.emoji"), () => this.toggle());
    this.button.setAttribute("aria-expanded", "false");
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && (this.close(), this.button.focus()));
  }

  get isOpen() { return !this.element.hidden; }

  toggle() {
    if (this.isOpen) return this.close();
    if (!this.#built) this.#build();
    this.element.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.#closed = over(() => this.close());
    return undefined;
  }

  close() {
    this.element.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
    this.#closed?.();
    this.#closed = null;
  }

  #build() {
    this.#built = true;
    this.#tab(t("compose.emoji"), "😄", () => this.#showEmoji());
    for (const pack of PACKS) this.#addPack(pack);
    this.#showEmoji();
  }

  /**
   * @param {string} name
   * @param {Child} face
   * @param {() => void} show
   */
  #tab(name, face, show) {
    const first = !this.#tabs.children.length;
    const tab = h("button", { type: "button", title: name, "aria-label": name, "aria-pressed": String(first) }, face);
    tab.addEventListener("click", () => {
      for (const other of this.#tabs.children) other.setAttribute("aria-pressed", String(other === tab));
      show();
    });
    this.#tabs.append(tab);
  }

  /** @param {string} folder */
  async #addPack(folder) {
    const response = await fetch(`${BASE}${folder}info.json`);
    if (!response.ok) return;
    /** @type {Pack} */
    const pack = await response.json();
    const face = h("img", { src: BASE + folder + pack.icon, alt: "", width: 24, height: 24 });
    this.#tab(pack.name, face, () => this.#showPack(folder, pack));
  }

  #showEmoji() {
    this.#body.className = "emoji-grid";
    fill(this.#body, ...Object.entries(EMOJI).map(([name, emoji]) =>
      h("button", { type: "button", title: name, onclick: () => this.#pick(emoji) }, emoji)));
  }

  /**
   * @param {string} folder
   * @param {Pack} pack
   */
  #showPack(folder, { assets }) {
    this.#body.className = "sticker-grid";
    fill(this.#body, ...assets.map(({ file, name }) => {
      const onclick = () => this.#sticker(folder + file, name);
      const image = h("img", { src: BASE + folder + file, alt: name, loading: "lazy" });
      return h("button", { type: "button", title: name, onclick }, image);
    }));
  }
}

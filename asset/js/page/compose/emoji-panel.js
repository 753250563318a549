// The panel of emoji and stickers.

import { fill, h } from "../element.js";
import { icon } from "../icon.js";
import { t } from "../words.js";
import { EMOJI } from "./emoji-list.js";

const PACKS = ["/asset/stickers/twimmy/"]; // folders with an info.json: {id, name, icon, assets: [{file, name}]}

export class EmojiPanel {
  #pick; #sticker; #body; #tabs; #built = false;

  constructor({ pick, sticker }) {
    this.#pick = pick;
    this.#sticker = sticker;
    this.#body = h("div.emoji-grid");
    this.#tabs = h("div.emoji-tabs", { role: "group", "aria-label": t("compose.emoji") });
    this.element = h("div.emoji-panel", { hidden: true }, this.#body, this.#tabs);
    this.button = h("button.round", { type: "button", "aria-label": t("compose.emoji"), title: t("compose.emoji"),
      "aria-expanded": "false", onclick: () => this.toggle() }, icon("emoji"));
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && (this.close(), this.button.focus()));
  }

  toggle() {
    if (!this.#built) this.#build();
    this.element.hidden = !this.element.hidden;
    this.button.setAttribute("aria-expanded", String(!this.element.hidden));
  }

  close() {
    this.element.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
  }

  #build() {
    this.#built = true;
    this.#tab(t("compose.emoji"), "😄", () => this.#showEmoji());
    for (const pack of PACKS) this.#addPack(pack);
    this.#showEmoji();
  }

  #tab(name, face, show) {
    const button = h("button", { type: "button", title: name, "aria-label": name, "aria-pressed": "false", onclick: () => {
      for (const other of this.#tabs.children) other.setAttribute("aria-pressed", String(other === button));
      show();
    } }, face);
    this.#tabs.append(button);
    if (this.#tabs.children.length === 1) button.setAttribute("aria-pressed", "true");
  }

  async #addPack(folder) {
    const response = await fetch(`${folder}info.json`);
    if (!response.ok) return;
    const pack = await response.json();
    const face = h("img", { src: folder + pack.icon, alt: "", width: 24, height: 24 });
    this.#tab(pack.name, face, () => this.#showPack(folder, pack));
  }

  #showEmoji() {
    this.#body.className = "emoji-grid";
    fill(this.#body, ...Object.entries(EMOJI).map(([name, emoji]) =>
      h("button", { type: "button", title: name, onclick: () => this.#pick(emoji) }, emoji)));
  }

  #showPack(folder, { assets }) {
    this.#body.className = "sticker-grid";
    fill(this.#body, ...assets.map(({ file, name }) =>
      h("button", { type: "button", title: name, "aria-label": name, onclick: () => this.#sticker(folder + file, name) },
        h("img", { src: folder + file, alt: name, loading: "lazy" }))));
  }
}

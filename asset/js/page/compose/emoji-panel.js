// The panel of emoji and stickers.

import { over } from "../back.js";
import { iconButton } from "../button.js";
import { fill, h } from "../element.js";
import { BASE } from "../pages.js";
import { language, t } from "../words.js";
import { EmojiChoices } from "./emoji-choices.js";
import { groupsOf, search, toned } from "./emoji-data.js";
import { EMOJI } from "./emoji-list.js";
import { goByKeys, stopAt } from "./grid-keys.js";
import { byTouch } from "./touch.js";

/** @import { Child } from "../element.js" */
/** @import { Emoji, Group } from "./emoji-data.js" */

const PACKS = ["/asset/stickers/twimmy/"]; // folders with an info.json: a Pack
const SHOWN = 120; // emoji that a search shows
/** @type {Record<string, () => [face: string, words: string]>} what stands for a group */
const GROUPS = {
  smileys: () => ["😀", t("emoji.smileys")],
  people: () => ["👋", t("emoji.people")],
  nature: () => ["🐻", t("emoji.nature")],
  food: () => ["🍎", t("emoji.food")],
  activities: () => ["⚽", t("emoji.activities")],
  travel: () => ["🚗", t("emoji.travel")],
  objects: () => ["💡", t("emoji.objects")],
  symbols: () => ["❤️", t("emoji.symbols")],
  flags: () => ["🏁", t("emoji.flags")],
};

/** @typedef {{ id: string, name: string, icon: string, assets: { file: string, name: string }[] }} Pack */

export class EmojiPanel {
  #pick; #sticker; #choices; #body; #tabs; #search; #tone; #built = false;
  /** @type {Group[]} */
  #groups = [];
  /** @type {HTMLElement | null} the tab that is shown first */
  #start = null;
  #show = () => {}; // what the chosen tab shows
  /** @type {(() => void) | null} */
  #closed = null;

  /** @param {{ user: number, pick: (emoji: string) => void, sticker: (url: string, name: string) => void }} parts */
  constructor({ user, pick, sticker }) {
    this.#pick = pick;
    this.#sticker = sticker;
    this.#choices = new EmojiChoices(user);
    this.#body = h("div.emoji-grid");
    goByKeys(this.#body);
    this.#tabs = h("div.emoji-tabs", { role: "group", "aria-label": t("emoji.groups") });
    this.#search = h("input.emoji-search", { type: "search", "aria-label": t("emoji.search"), placeholder: t("emoji.search"), autocomplete: "off" });
    this.#search.addEventListener("input", () => this.#find());
    this.#tone = h("button.emoji-tone", { type: "button", title: t("emoji.tone"), onclick: () => this.#nextTone() });
    const top = h("div.emoji-top", {}, this.#search, this.#tone);
    this.element = h("div.emoji-panel", { hidden: true, role: "group", "aria-label": t("compose.emoji") }, top, this.#body, this.#tabs);
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
    if (!byTouch()) this.#search.focus();
    return undefined;
  }

  close() {
    this.element.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
    this.#closed?.();
    this.#closed = null;
  }

  async #build() {
    this.#built = true;
    this.#showTone();
    this.#groups = await groups();
    const recent = this.#tab(t("emoji.recent"), "🕘", () => this.#showEmoji(this.#recent()));
    const [first] = this.#groups.map(({ name, emoji }) => {
      const [face, words] = GROUPS[name]();
      return this.#tab(words, face, () => this.#showEmoji(emoji));
    });
    for (const pack of PACKS) this.#addPack(pack);
    this.#start = this.#choices.recent.length ? recent : first;
    this.#start.click();
  }

  /**
   * @param {string} name
   * @param {Child} face
   * @param {() => void} show
   */
  #tab(name, face, show) {
    const tab = h("button", { type: "button", title: name, "aria-label": name, "aria-pressed": "false" }, face);
    tab.addEventListener("click", () => {
      this.#search.value = "";
      this.#press(tab);
      this.#show = show;
      show();
      this.#body.scrollTop = 0;
    });
    this.#tabs.append(tab);
    return tab;
  }

  /** @param {Element | null} tab */
  #press(tab) {
    for (const other of this.#tabs.children) other.setAttribute("aria-pressed", String(other === tab));
  }

  /** @param {string} folder */
  async #addPack(folder) {
    const response = await fetch(`${BASE}${folder}info.json`);
    if (!response.ok) return;
    /** @type {Pack} */
    const pack = await response.json();
    const face = h("img", { src: BASE + folder + pack.icon, alt: "", width: 24, height: 24 });
    this.#tab(pack.name, face, () => this.#showPack(folder, pack)).dataset.pack = pack.id;
  }

  #find() {
    const asked = this.#search.value.trim();
    if (!asked) return this.#start?.click();
    this.#press(null);
    this.#show = () => this.#showEmoji(search(this.#groups, asked).slice(0, SHOWN));
    return this.#show();
  }

  /** @returns {Emoji[]} */
  #recent() {
    const all = new Map(this.#groups.flatMap(({ emoji }) => emoji).map((one) => [one.emoji, one]));
    return this.#choices.recent.flatMap((emoji) => all.get(emoji) ?? []);
  }

  /** @param {Emoji[]} shown */
  #showEmoji(shown) {
    const { tone } = this.#choices;
    this.#body.className = "emoji-grid";
    if (!shown.length) return fill(this.#body, h("p.emoji-none", { role: "status" }, t("emoji.none")));
    fill(this.#body, ...shown.map(({ emoji, name }) => {
      const face = toned(emoji, tone);
      const pick = () => { this.#choices.use(emoji); this.#pick(face); };
      return h("button", { type: "button", title: name, "aria-label": name, onclick: pick }, face);
    }));
    return stopAt(this.#body);
  }

  #nextTone() {
    this.#choices.tone = (this.#choices.tone + 1) % 6;
    this.#showTone();
    this.#show();
  }

  #showTone() {
    const { tone } = this.#choices;
    this.#tone.textContent = toned("✋", tone);
    this.#tone.setAttribute("aria-label", `${t("emoji.tone")} ${tone}`);
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
    stopAt(this.#body);
  }
}

/**
 * All emoji; the few of the list where they can't be had now.
 * @returns {Promise<Group[]>}
 */
async function groups() {
  try {
    const answer = await fetch(`${BASE}/asset/emoji.json`);
    if (answer.ok) return groupsOf(await answer.json(), language);
  } catch { /* no connection */ }
  return [{ name: "smileys", emoji: Object.entries(EMOJI).map(([name, emoji]) => ({ emoji, name, words: name })) }];
}

// The keys that do something everywhere on the page, and the sheet that shows them and all others.

import { openDialog } from "./dialog.js";
import { h } from "./element.js";
import { t } from "./words.js";

const isMac = /^(Mac|iP)/.test(navigator.platform); // there Ctrl+K is a key of every field
const FIELDS = "input, textarea, select, [contenteditable]";

/** @type {() => [group: string, keys: [keys: string[], words: string][]][]} */
const sheet = () => [
  [t("keys.everywhere"), [[["?"], t("keys.help")], [[isMac ? "⌘" : "Ctrl", "K"], t("find.title")], [["/"], t("find.title")], [["Alt", "↑"], t("keys.chat-before")], [["Alt", "↓"], t("keys.chat-after")],
    [["Esc"], t("keys.close")]]],
  [t("keys.lists"), [[["↑", "↓"], t("keys.row")], [["Home", "End"], t("keys.ends")], [["Enter"], t("keys.open")],
    [["⇧ F10"], t("keys.menu")]]],
  [t("keys.messages"), [[["↑", "↓"], t("keys.row")], [["Enter"], t("message.menu")], [["Tab"], t("keys.actions")], [["Esc"], t("keys.to-input")]]],
  [t("keys.writing"), [[["Enter"], t("keys.send")], [["⇧ Enter"], t("keys.line")], [["↑"], t("keys.edit-last")], [["Esc"], t("keys.give-up")]]],
];

/** Shows which keys do what. */
export function showShortcuts() {
  const parts = sheet().map(([name, keys]) => h("section", {}, h("h3.keys-title", {}, name), h("dl.keys", {}, ...keys.map(([names, words]) =>
    h("div", {}, h("dt", {}, ...names.flatMap((one, at) => [at ? " " : "", h("kbd", {}, one)])), h("dd", {}, words))))));
  openDialog([t("keys.title")], ...parts);
}

/**
 * Listens for them. `step(by)` opens the chat that is so many rows further down in the list, `find()` what finds everything.
 * @param {{ step: (by: number) => void, find: () => void }} does
 */
export function listenForShortcuts({ step, find }) {
  document.addEventListener("keydown", (event) => {
    const { key, target, altKey, ctrlKey, metaKey, shiftKey, defaultPrevented, isComposing } = event;
    if (defaultPrevented || isComposing || document.querySelector("dialog[open]")) return;
    const finds = (isMac ? metaKey && !ctrlKey : ctrlKey && !metaKey) && !altKey && !shiftKey && key.toLowerCase() === "k";
    if ((ctrlKey || metaKey) && !finds) return;
    const writes = target instanceof Element && target.closest(FIELDS);
    if (finds || (key === "/" && !altKey && !writes)) find();
    else if (key === "?" && !altKey && !writes) showShortcuts();
    else if (altKey && (key === "ArrowUp" || key === "ArrowDown")) step(key === "ArrowUp" ? -1 : 1);
    else return;
    event.preventDefault();
  });
}

// Whose page this is: what is shown when it is somebody else's by now, and that a page kept by the browser is read anew.

import { button } from "./button.js";
import { h, part } from "./element.js";
import { icon } from "./icon.js";
import { CHAT, LOGIN } from "./pages.js";
import { t } from "./words.js";

/** @import { User } from "../im/types.js" */

/**
 * The user whose page this is, as the server wrote it; null when nobody was logged in.
 * @type {User | null}
 */
export const me = JSON.parse(document.body.dataset.me || "null");

/**
 * Nothing is left of the page, and it says why: somebody else is logged in with this browser than whose page it is.
 * @param {string} [who] their name
 */
export function showOtherUser(who = me?.nickname ?? "") {
  document.title = "twim";
  document.body.dataset.ended = ""; // so that what still comes, a dialog or a toast, isn't shown
  document.body.replaceChildren(h("main.ended", { role: "alert" },
    h("span.ended-icon", {}, icon("leave")),
    h("h1", {}, t("other.title")), h("p", {}, t("other.stopped", { who })), h("p", {}, t("other.kept", { who })),
    h("div.ended-buttons", {}, button(t("other.go-on"), () => location.replace(CHAT), ".primary"),
      button(t("other.log-in"), () => location.replace(LOGIN)))));
  part(".ended .primary").focus();
}

/** A page that the browser had put aside as it was (back and forward) shows nothing until it is read anew. */
export function readAnewWhenRestored() {
  globalThis.addEventListener("pagehide", ({ persisted }) => { document.documentElement.hidden = persisted; });
  globalThis.addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); });
}

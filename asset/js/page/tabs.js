// What the tabs of one user tell one another besides what the server tells each: drafts, through localStorage.

/** @import { Talk } from "./talk/talk.js" */
/** @import { Side } from "./panel/side.js" */

/**
 * Another tab has written into the drafts of `user`: the list shows them, and so does the open chat, unless this is the tab
 * in which somebody writes.
 * @param {number} user
 * @param {{ talk: Talk, side: Side }} parts
 */
export function followDrafts(user, { talk, side }) {
  globalThis.addEventListener("storage", ({ key }) => {
    if (key !== `im:${user}:drafts`) return;
    side.redraw();
    if (!document.hasFocus()) talk.showDraft();
  });
}

// The chat page without a user, which the service worker has opened because the server can't be reached: it is of whom
// this browser keeps something.

import { button } from "../button.js";
import { h, part } from "../element.js";
import { icon } from "../icon.js";
import { whole } from "../moment.js";
import { t } from "../words.js";
import { read } from "./store.js";

/** @import { Client } from "../../im/index.js" */
/** @import { KeptState } from "./store.js" */

/** Whether this page is the kept one. */
export const isKept = "kept" in document.body.dataset;

/**
 * What is kept; null where nothing is: then the page says so.
 * @returns {Promise<KeptState | null>}
 */
export async function openKept() {
  const kept = await read();
  if (!kept) showNothing();
  return kept;
}

function showNothing() {
  document.body.dataset.ended = "";
  document.body.replaceChildren(h("main.ended", { role: "alert" }, h("span.ended-icon", {}, icon("chat")),
    h("h1", {}, t("kept.nothing")), h("p", {}, t("kept.nothing.why")),
    h("div.ended-buttons", {}, button(t("kept.again"), () => location.reload(), ".primary"))));
  globalThis.addEventListener("online", () => location.reload(), { once: true });
}

/**
 * Says of when it is what is shown, until the page is connected.
 * @param {Client} client
 * @param {KeptState} kept
 */
export function tellAge(client, { at }) {
  const line = h("p.as-of", {}, t("kept.as-of", { when: whole(new Date(at)) }));
  part(".state").after(line);
  const off = client.on("state", (state) => {
    if (state !== "online") return;
    off();
    line.remove();
  });
}

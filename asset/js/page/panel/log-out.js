// Logging out: what isn't sent is told first, since it is removed then.

import { CMD } from "../../im/index.js";
import { wipe } from "../compose/upload-store.js";
import { confirmed } from "../dialog.js";
import { h } from "../element.js";
import { preview } from "../preview.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Entry } from "../../im/types.js" */
/** @import { People } from "../people.js" */

/**
 * What logging out uses: `unsentFiles()` says how many files wait, and `leave()` goes to the log-in.
 * @typedef {{ client: Client, people: People, unsentFiles: () => number, leave: () => void }} Parts
 */

const SHOWN = 5; // messages that are told one by one

/** @param {Parts} parts */
export async function logOut(parts) {
  if (!(await confirmed(t("me.logout-question"), t("me.logout"), ...unsent(parts)))) return;
  try {
    await parts.client.logOut();
  } catch (error) {
    toast(reason(error), "bad");
    return;
  }
  await wipe(parts.people.me.id);
  parts.leave();
}

/** @param {Parts} parts */
function unsent({ client, people, unsentFiles }) {
  const { messages, drafts } = client.unsent();
  const files = unsentFiles();
  if (!messages.length && !drafts && !files) return [];
  const lines = [
    messages.length > 0 && h("li", {}, t("me.unsent-messages", { count: messages.length }), told(messages, people)),
    drafts > 0 && h("li", {}, t("me.unsent-drafts", { count: drafts })),
    files > 0 && h("li", {}, t("me.unsent-files", { count: files })),
  ];
  return [h("div.unsent", {}, h("p", {}, t("me.unsent")), h("ul", {}, ...lines))];
}

/**
 * @param {Entry[]} messages
 * @param {People} people
 */
function told(messages, people) {
  /** @param {Entry["message"]} message */
  const name = ({ cmd, dstid }) => (cmd === CMD.GROUP ? people.group(dstid).name : people.name(dstid));
  const lines = messages.slice(0, SHOWN).map(({ message }) => h("li", {}, `${name(message)}: ${preview(message, people)}`));
  return h("ul", {}, ...lines, messages.length > SHOWN && h("li", {}, "…"));
}

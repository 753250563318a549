// One message as a row of the chat window.

import { CMD, MEDIA } from "../../im/index.js";
import { userAvatar } from "../avatar.js";
import { botBadge } from "../bot-badge.js";
import { fill, h } from "../element.js";
import { icon } from "../icon.js";
import { clock, stamp, whole } from "../moment.js";
import { noticeParts, previewParts } from "../preview.js";
import { apart, drawn, isolated, phrase } from "../strangers.js";
import { refusal, t } from "../words.js";
import { actionsFor } from "./actions.js";
import { previewIn } from "./link-preview.js";
import { isBare, showMedia } from "./media.js";
import { onMenu } from "./menu-key.js";
import { openMenu } from "./message-menu.js";
import { reactionRow } from "./reactions.js";

/** @import { ShownMessage } from "../types.js" */
/** @import { Item, RowParts } from "./types.js" */

/** @type {Record<string, () => [mark: Node, words: string]>} */
const STATES = {
  waiting: () => [icon("clock"), t("state.waiting")],
  sent: () => [icon("check"), t("state.sent")],
  read: () => [icon("checks"), t("state.read")],
  refused: () => [icon("info"), t("state.refused")],
};

/**
 * Events show in the message they change, not as rows of their own.
 * @param {{ media: number }} message
 */
export const isShown = (message) => !(message.media >= MEDIA.RECALL && message.media <= MEDIA.REACTION);

/**
 * @param {Item} item
 * @param {RowParts} parts
 */
export function bubbleRow(item, parts) {
  const { message } = item;
  const { people } = parts;
  if (message.media === MEDIA.NOTICE) return h("li.notice", {}, ...drawn(noticeParts(message, people)));
  if (message.recalled) {
    const who = message.userid === people.me.id ? t("event.you") : people.name(message.userid);
    return h("li.notice", {}, ...drawn(phrase(t("event.who-recalled"), { who })));
  }
  const mine = message.userid === people.me.id;
  const bubble = h(`div.bubble${isBare(message) ? ".bare" : ""}`, {},
    message.ref ? quote(message.ref, parts) : null, showMedia(message, parts), foot(item, mine, parts));
  const row = h(`li.message.${mine ? "mine" : "theirs"}${item.first ? ".first" : ""}`, {
    tabindex: -1, dataset: { seq: message.seq ?? "", cid: message.cid ?? "", state: item.state, media: message.media },
  }, !mine && speaker(message, parts), h("div.column", {},
    !mine && item.first && message.cmd === CMD.GROUP && h("span.author", {}, apart(people.name(message.userid)), botBadge(people.user(message.userid))),
    h("div.line", {}, bubble, message.seq ? actionsFor(message, parts) : null),
    reactionRow(message, parts), item.state === "refused" && refused(item, parts)));
  if (message.media === MEDIA.TEXT) previewIn(bubble, parts.preview);
  if (message.seq) onMenu(row, (at) => openMenu(message, parts, at ?? bubble));
  return row;
}

/**
 * @param {ShownMessage} message
 * @param {RowParts} parts
 */
function speaker(message, { people, show: { user: showUser } }) {
  const user = people.user(message.userid);
  const show = () => showUser(user);
  const attributes = { type: "button", tabindex: -1, "aria-label": isolated(user.nickname), onclick: show };
  return h("button.speaker", attributes, userAvatar(user, "small"));
}

/**
 * @param {Item} item
 * @param {boolean} mine
 * @param {RowParts} parts
 */
function foot({ message, state }, mine, { edits }) {
  const [mark, words] = (mine && STATES[state]?.()) || [];
  return h("span.foot", {}, message.edited ? edited(() => edits(message)) : null,
    h("time", { title: whole(message.at), datetime: stamp(message.at) }, clock(message.at)),
    mark && h("span.mark", { role: "img", "aria-label": words, title: words }, mark));
}

/** @param {() => void} onclick */
const edited = (onclick) =>
  h("button.edited", { type: "button", title: t("talk.edits"), onclick }, t("event.is-edited"));

/**
 * @param {number} ref the seq of the message that is answered
 * @param {RowParts} parts
 */
function quote(ref, { people, quoted, goTo }) {
  const box = h("button.quote", { type: "button", onclick: () => goTo(ref) }, "…");
  quoted(ref).catch(() => null).then((found) => {
    if (!found) return fill(box, h("span", {}, t("event.gone")));
    let look = "";
    const draw = () => {
      const [author, words] = [people.name(found.userid), previewParts(found, people)];
      const before = look;
      look = JSON.stringify([author, words]);
      if (look !== before) fill(box, h("b", {}, apart(author)), h("span", {}, ...drawn(words)));
    };
    draw();
    // The names may come later. Once the row is gone, there is nothing to draw.
    const stop = people.changes(() => (box.isConnected ? draw() : stop()));
    return box;
  });
  return box;
}

/**
 * @param {Item} item
 * @param {RowParts} parts
 */
function refused({ message: { cid = "" }, error }, { retry, discard }) {
  return h("div.refusal", { role: "alert" }, h("span", {}, refusal(error)),
    h("button", { type: "button", onclick: () => retry(cid) }, t("action.retry")),
    h("button", { type: "button", onclick: () => discard(cid) }, t("action.discard")));
}

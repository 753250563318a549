// One message as a row of the chat window.

import { CMD, MEDIA } from "../../im/index.js";
import { userAvatar } from "../avatar.js";
import { h } from "../element.js";
import { icon } from "../icon.js";
import { clock, whole } from "../moment.js";
import { notice, preview } from "../preview.js";
import { t } from "../words.js";
import { actionsFor } from "./actions.js";
import { isBare, showMedia } from "./media.js";

const STATES = {
  waiting: () => [icon("clock"), t("state.waiting")],
  sent: () => [icon("check"), t("state.sent")],
  read: () => [icon("checks"), t("state.read")],
  refused: () => [icon("info"), t("state.refused")],
};

/** Events show in the message they change, not as rows of their own. */
export const isShown = (message) => !(message.media >= MEDIA.RECALL && message.media <= MEDIA.REACTION);

/**
 * `item` is `{message, state, error, first}`: `state` waiting | sent | read | refused for mine, "" for others';
 * `first` when the author begins to speak here. `talk` is the chat window.
 */
export function bubbleRow(item, talk) {
  const { message } = item;
  const { people } = talk.app;
  if (message.media === MEDIA.NOTICE) return h("li.notice", {}, notice(message, people));
  if (message.recalled) {
    const who = message.userid === people.me.id ? t("event.you") : people.name(message.userid);
    return h("li.notice", {}, t("event.who-recalled", { who }));
  }
  const mine = message.userid === people.me.id;
  const bubble = h(`div.bubble${isBare(message) ? ".bare" : ""}`, {},
    message.ref ? quote(message, talk) : null, showMedia(message, talk.app), foot(item, mine));
  return h(`li.message.${mine ? "mine" : "theirs"}${item.first ? ".first" : ""}`, {
    tabindex: 0, dataset: { seq: message.seq ?? "", cid: message.cid ?? "", state: item.state, media: message.media },
  }, !mine && speaker(message, talk), h("div.column", {},
    !mine && item.first && message.cmd === CMD.GROUP && h("span.author", {}, people.name(message.userid)),
    h("div.line", {}, bubble, message.seq ? actionsFor(message, talk) : null),
    reactions(message, talk), item.state === "refused" && refusal(item, talk)));
}

function speaker(message, talk) {
  const user = talk.app.people.user(message.userid);
  const show = () => talk.app.showUser(user);
  const attributes = { type: "button", tabindex: -1, "aria-label": user.nickname, onclick: show };
  return h("button.speaker", attributes, userAvatar(user, "small"));
}

function foot({ message, state }, mine) {
  const [mark, words] = (mine && STATES[state]?.()) || [];
  return h("span.foot", {}, message.edited ? h("span", {}, t("event.is-edited")) : null,
    h("time", { title: whole(message.at), datetime: new Date(message.at).toISOString() }, clock(message.at)),
    mark && h("span.mark", { role: "img", "aria-label": words, title: words }, mark));
}

function quote(message, talk) {
  const box = h("button.quote", { type: "button", onclick: () => talk.goTo(message.ref) }, "…");
  talk.app.client.one(talk.conversation, message.ref).catch(() => null).then((found) => {
    const words = found ? preview(found, talk.app.people) : t("event.gone");
    box.replaceChildren(...(found ? [h("b", {}, talk.app.people.name(found.userid))] : []), h("span", {}, words));
  });
  return box;
}

function reactions(message, talk) {
  const entries = Object.entries(message.reactions ?? {});
  if (!entries.length) return null;
  const me = talk.app.people.me.id;
  return h("div.reactions", {}, ...entries.map(([emoji, users]) => {
    const mine = users.includes(me);
    const names = users.slice(0, 20).map((id) => talk.app.people.name(id)).join(", ");
    return h("button.reaction", { type: "button", title: names, "aria-pressed": String(mine),
      onclick: () => talk.react(message, mine ? "" : emoji) }, `${emoji} ${users.length}`);
  }));
}

function refusal({ message, error }, talk) {
  return h("div.refusal", { role: "alert" }, h("span", {}, talk.app.reason(error)),
    h("button", { type: "button", onclick: () => talk.app.client.retry(message.cid) }, t("action.retry")),
    h("button", { type: "button", onclick: () => talk.app.client.discard(message.cid) }, t("action.discard")));
}

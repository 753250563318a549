// What can be done with a message: shown beside it on hover, focus or tap.

import { CMD, MEDIA } from "../../im/index.js";
import { QUICK } from "../compose/emoji-list.js";
import { h } from "../element.js";
import { icon } from "../icon.js";
import { t } from "../words.js";

export function actionsFor(message, talk) {
  const { me } = talk.app.people;
  const mine = message.userid === me.id;
  const owns = message.cmd === CMD.GROUP && talk.app.people.group(message.dstid).ownerid === me.id;
  return h("div.actions", { role: "group", "aria-label": t("action.for-message") },
    reactButton(message, talk),
    button("reply", t("action.reply"), () => talk.composer.replyTo(message)),
    mine && message.media === MEDIA.TEXT && button("edit", t("action.edit"), () => talk.composer.edit(message)),
    (mine || owns) && button("undo", t("action.recall"), () => talk.recall(message)));
}

function button(name, words, onclick) {
  const attributes = { type: "button", title: words, "aria-label": words, onclick, dataset: { action: name } };
  return h("button.action", attributes, icon(name));
}

function reactButton(message, talk) {
  const opener = button("emoji", t("action.react"), () => {
    if (palette.isConnected) return palette.remove();
    opener.after(palette);
    return palette.firstElementChild.focus();
  });
  const react = (emoji) => () => {
    opener.focus();
    palette.remove();
    talk.react(message, emoji);
  };
  const choices = QUICK.map((emoji) => h("button", { type: "button", onclick: react(emoji) }, emoji));
  const palette = h("div.palette", { role: "group", "aria-label": t("action.react") }, ...choices);
  palette.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget !== opener && !palette.contains(relatedTarget)) queueMicrotask(() => palette.remove());
  });
  palette.addEventListener("keydown", (event) => event.key === "Escape" && opener.focus());
  return h("span.react", {}, opener);
}

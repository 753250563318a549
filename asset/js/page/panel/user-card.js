// What is known of a user, and what can be done with them.

import { CMD, MEDIA } from "../../im/index.js";
import { userAvatar } from "../avatar.js";
import { button, rowButton } from "../button.js";
import { closeDialogs, confirmed, openDialog } from "../dialog.js";
import { h } from "../element.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";
import { friendButton, talkLink } from "./find.js";

export function showUser(app, user) {
  const self = user.id === app.people.me.id;
  const friend = app.people.isFriend(user.id);
  const about = [t("talk.user-number", { id: user.id }), app.sex(user.sex || "U")].join(" · ");
  openDialog(user.nickname,
    h("div.me-card", {}, userAvatar(user, "large"), h("p", {}, user.memo || t("me.no-memo")), h("small", {}, about)),
    h("div.dialog-buttons", {}, friend && button(t("friend.delete"), () => removeFriend(app, user), ".bad"),
      button(t("friend.share"), () => shareCard(app, user)), self ? talkLink(user) : friendButton(app, user)));
}

function shareCard(app, user) {
  const card = { media: MEDIA.CONTACT, content: String(user.id), memo: user.nickname,
    url: `/chat/index.shtml#user=${user.id}`, ...(user.avatar ? { pic: user.avatar } : {}) };
  const send = (target) => () => {
    app.client.send(CMD.SINGLE, target.id, card);
    toast(t("friend.shared"));
    closeDialogs();
  };
  const targets = app.people.friends.filter((id) => id !== user.id).map((id) => app.people.user(id));
  const rows = targets.map((target) =>
    h("li", {}, rowButton(send(target), userAvatar(target, "small"), h("b", {}, target.nickname))));
  openDialog(t("friend.share"), h("ul.list", {}, ...rows));
}

async function removeFriend(app, user) {
  if (!(await confirmed(t("friend.delete-question", { who: user.nickname }), t("friend.delete")))) return;
  try {
    await app.client.rest.call("/contact/deletefriend", { dstid: user.id });
    await app.people.loadFriends();
    closeDialogs();
  } catch (error) {
    toast(reason(error), "bad");
  }
}

// My profile, my password, my devices.

import { userAvatar } from "../avatar.js";
import { confirmed, field, form, openDialog } from "../dialog.js";
import { fill, h } from "../element.js";
import { icon } from "../icon.js";
import { whole } from "../moment.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";
import { picturePicker } from "./picture-picker.js";

export class Me {
  constructor(app) {
    this.app = app;
    this.title = t("panel.me");
    this.tools = [];
    this.element = h("div.panel.me");
  }

  show() {
    const { me } = this.app.people;
    fill(this.element,
      h("div.me-card", {}, userAvatar(me, "large"), h("h3", {}, me.nickname), h("p", {}, me.memo || t("me.no-memo")),
        h("small", {}, t("me.number", { id: me.id, mobile: me.mobile ?? "" }))),
      h("div.me-actions", {},
        action("edit", t("me.edit"), () => this.#edit()),
        action("key", t("me.password"), () => this.#password()),
        action("device", t("me.devices"), () => this.#devices()),
        action("leave", t("me.logout"), () => this.#logout())));
  }

  #edit() {
    const { client, people } = this.app;
    const { me } = people;
    const picker = picturePicker(client.rest, me.avatar, () => userAvatar(me, "large"));
    const sexes = ["W", "M", "U"].map((sex) => h("label", {},
      h("input", { type: "radio", name: "sex", value: sex, checked: (me.sex || "U") === sex }), " ", this.app.sex(sex)));
    const box = openDialog(t("me.edit"), form({
      fields: [picker.element, field(t("field.nickname"), { name: "nickname", value: me.nickname, required: true, maxlength: 20 }),
        field(t("field.memo"), { name: "memo", value: me.memo ?? "", maxlength: 140 }),
        h("fieldset.choice", {}, h("legend", {}, t("field.sex")), ...sexes)],
      submit: t("action.save"),
      submitted: async (fields) => {
        people.changeMe(await client.rest.data("/user/update", { ...fields, avatar: picker.address }));
        box.close();
      },
    }));
  }

  #password() {
    const box = openDialog(t("me.password"), form({
      fields: [field(t("field.password.old"), { name: "passwd", type: "password", required: true, autocomplete: "current-password" }),
        field(t("field.password.new"), { name: "newpasswd", type: "password", required: true, minlength: 6, maxlength: 128, autocomplete: "new-password" })],
      submit: t("action.save"),
      submitted: async (fields) => {
        await this.app.client.rest.call("/user/passwd", fields);
        toast(t("me.password-changed"));
        box.close();
      },
    }));
  }

  async #devices() {
    const list = h("ul.list.devices", {}, h("li", {}, "…"));
    openDialog(t("me.devices"), list);
    const show = async () => {
      const rows = await this.app.client.rest.rows("/user/sessions");
      fill(list, ...rows.map((session) => this.#device(session, show)));
    };
    show().catch((error) => toast(reason(error), "bad"));
  }

  #device(session, show) {
    const revoke = async () => {
      await this.app.client.rest.call("/user/revoke", { id: session.id }).catch((error) => toast(reason(error), "bad"));
      await show();
    };
    const since = [whole(new Date(session.createat)), session.address].filter(Boolean).join(" · ");
    return h("li.row", {}, h("span.row-words", { title: session.agent }, h("b", {}, deviceName(session.agent) || t("me.device", { id: session.id })),
      h("span.row-last", {}, since), session.current ? h("small", {}, t("me.this-device")) : null),
    session.current ? null : h("button.button", { type: "button", onclick: revoke }, t("me.revoke")));
  }

  async #logout() {
    if (!(await confirmed(t("me.logout-question"), t("me.logout")))) return;
    await this.app.client.rest.call("/user/logout").catch(() => null);
    this.app.leave();
  }
}

/** "Firefox · Linux" of what the browser said of itself when it logged in; other clients as they named themselves. */
function deviceName(agent = "") {
  const browser = ["Edg", "OPR", "Firefox", "Chrome", "Safari"].find((name) => agent.includes(name)); // Edge and Opera say "Chrome" too
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"].find((name) => agent.includes(name));
  return browser && system ? `${{ Edg: "Edge", OPR: "Opera" }[browser] ?? browser} · ${system}` : agent.slice(0, 60);
}

function action(name, words, onclick) {
  return h("button.row", { type: "button", onclick }, icon(name), h("span.row-words", {}, h("b", {}, words)));
}

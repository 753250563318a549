// My profile, my password, my devices.

import { userAvatar } from "../avatar.js";
import { button, rowButton } from "../button.js";
import { confirmed, field, form, openDialog } from "../dialog.js";
import { fill, h } from "../element.js";
import { icon } from "../icon.js";
import { whole } from "../moment.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";
import { picturePicker } from "./picture-picker.js";

const PASSWORD = { type: "password", required: true, maxlength: 128 };

export class Me {
  constructor(app) {
    this.app = app;
    this.title = t("panel.me");
    this.tools = [];
    this.element = h("div.panel.me");
  }

  show() {
    const { me } = this.app.people;
    const number = t("me.number", { id: me.id, mobile: me.mobile ?? "" });
    fill(this.element,
      h("div.me-card", {}, userAvatar(me, "large"), h("h3", {}, me.nickname), h("p", {}, me.memo || t("me.no-memo")),
        h("small", {}, number)),
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
    const nickname = { name: "nickname", value: me.nickname, required: true, maxlength: 20 };
    const memo = { name: "memo", value: me.memo ?? "", maxlength: 140 };
    const sexes = ["W", "M", "U"].map((sex) => this.#sexChoice(sex, (me.sex || "U") === sex));
    const fields = [picker.element, field(t("field.nickname"), nickname), field(t("field.memo"), memo),
      h("fieldset.choice", {}, h("legend", {}, t("field.sex")), ...sexes)];
    const submitted = async (asked) => {
      people.changeMe(await client.rest.data("/user/update", { ...asked, avatar: picker.address }));
      box.close();
    };
    const box = openDialog(t("me.edit"), form({ fields, submit: t("action.save"), submitted }));
  }

  #sexChoice(sex, checked) {
    return h("label", {}, h("input", { type: "radio", name: "sex", value: sex, checked }), " ", this.app.sex(sex));
  }

  #password() {
    const old = { ...PASSWORD, name: "passwd", autocomplete: "current-password" };
    const fresh = { ...PASSWORD, name: "newpasswd", minlength: 6, autocomplete: "new-password" };
    const fields = [field(t("field.password.old"), old), field(t("field.password.new"), fresh)];
    const submitted = async (asked) => {
      await this.app.client.rest.call("/user/passwd", asked);
      toast(t("me.password-changed"));
      box.close();
    };
    const box = openDialog(t("me.password"), form({ fields, submit: t("action.save"), submitted }));
  }

  async #devices() {
    const list = h("ul.list.devices", {}, h("li", {}, "…"));
    openDialog(t("me.devices"), list);
    const show = async () => {
      const rows = await this.app.client.rest.rows("/user/sessions");
      fill(list, ...rows.map((session) => this.#device(session, show)));
    };
    await show().catch((error) => toast(reason(error), "bad"));
  }

  #device(session, show) {
    const revoke = async () => {
      try {
        await this.app.client.rest.call("/user/revoke", { id: session.id });
        await show();
      } catch (error) {
        toast(reason(error), "bad");
      }
    };
    const since = [whole(new Date(session.createat)), session.address].filter(Boolean).join(" · ");
    const name = deviceName(session.agent) || t("me.device", { id: session.id });
    const words = h("span.row-words", { title: session.agent }, h("b", {}, name), h("span.row-last", {}, since),
      session.current ? h("small", {}, t("me.this-device")) : null);
    return h("li.row", {}, words, session.current ? null : button(t("me.revoke"), revoke));
  }

  async #logout() {
    if (!(await confirmed(t("me.logout-question"), t("me.logout")))) return;
    await this.app.client.rest.call("/user/logout").catch(() => null);
    this.app.leave();
  }
}

/** "Firefox · Linux" of what a browser said of itself when it logged in; other clients as they named themselves. */
function deviceName(agent = "") {
  const named = (names) => names.find((name) => agent.includes(name));
  const browser = named(["Edg", "OPR", "Firefox", "Chrome", "Safari"]); // Edge and Opera say "Chrome" too
  const system = named(["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"]);
  return browser && system ? `${{ Edg: "Edge", OPR: "Opera" }[browser] ?? browser} · ${system}` : agent.slice(0, 60);
}

const action = (name, words, onclick) => rowButton(onclick, icon(name), h("span.row-words", {}, h("b", {}, words)));

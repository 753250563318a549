// My profile, my password, my devices.

import { userAvatar } from "../avatar.js";
import { button, rowButton } from "../button.js";
import { shortened } from "../characters.js";
import { field, form, openDialog } from "../dialog.js";
import { fill, h } from "../element.js";
import { icon } from "../icon.js";
import { whole } from "../moment.js";
import { ADMIN } from "../pages.js";
import { apart } from "../strangers.js";
import { toast } from "../toast.js";
import { reason, sexOf, t } from "../words.js";
import { logOut } from "./log-out.js";
import { showNotifications } from "./notifications.js";
import { picturePicker } from "./picture-picker.js";

/** @import { Device } from "../../im/types.js" */
/** @import { IconName } from "../icon.js" */
/** @import { Choices } from "../telling/choices.js" */
/** @import { Parts } from "./log-out.js" */

const WHOLE_NAMES = new Map([["Edg", "Edge"], ["OPR", "Opera"]]); // of browsers that shorten theirs
const PASSWORD = { type: "password", required: true, most: 128 };

export class Me {
  #parts; #logsOut;

  /**
   * @param {Parts & { choices: Choices }} parts
   * @param {boolean} logsOut whether the user may log out here, and this page may tell of messages: not in a frame
   */
  constructor(parts, logsOut) {
    this.#parts = parts;
    this.#logsOut = logsOut;
    this.title = t("panel.me");
    /** @type {Element[]} */
    this.tools = [];
    this.element = h("div.panel.me");
  }

  show() {
    const { me } = this.#parts.people;
    const number = t("me.number", { id: me.id, mobile: me.mobile ?? "" });
    fill(this.element,
      h("div.me-card", {}, userAvatar(me, "large"), h("h2", {}, apart(me.nickname)), h("p", {}, me.memo ? apart(me.memo) : t("me.no-memo")),
        h("small", {}, number)),
      h("div.me-actions", {},
        action("edit", t("me.edit"), () => this.#edit()),
        action("key", t("me.password"), () => this.#password()),
        action("device", t("me.devices"), () => this.#devices()),
        this.#logsOut && action("bell", t("tell.title"), () => this.#notifications()),
        me.role === "admin" && h("a.row", { href: ADMIN }, icon("admin"), h("span.row-words", {}, h("b", {}, t("me.admin")))),
        this.#logsOut && action("leave", t("me.logout"), () => logOut(this.#parts))));
  }

  #notifications() { return showNotifications({ rest: this.#parts.client.rest, choices: this.#parts.choices }); }

  #edit() {
    const { client, people } = this.#parts;
    const { me } = people;
    const picker = picturePicker(client.rest, me.avatar, () => userAvatar(me, "large"));
    const nickname = { name: "nickname", value: me.nickname, required: true, most: 20 };
    const memo = { name: "memo", value: me.memo ?? "", most: 140 };
    const sexes = ["W", "M", "U"].map((sex) => this.#sexChoice(sex, (me.sex || "U") === sex));
    const fields = [picker.element, field(t("field.nickname"), nickname), field(t("field.memo"), memo),
      h("fieldset.choice", {}, h("legend", {}, t("field.sex")), ...sexes)];
    /** @param {Record<string, string>} asked */
    const submitted = async (asked) => {
      people.changeMe(await client.rest.data("/user/update", { ...asked, avatar: picker.address }));
      box.close();
    };
    const box = openDialog(t("me.edit"), form({ fields, submit: t("action.save"), submitted }));
  }

  /**
   * @param {string} sex
   * @param {boolean} checked
   */
  #sexChoice(sex, checked) {
    return h("label", {}, h("input", { type: "radio", name: "sex", value: sex, checked }), " ", sexOf(sex));
  }

  #password() {
    const old = { ...PASSWORD, name: "passwd", autocomplete: "current-password" };
    const fresh = { ...PASSWORD, name: "newpasswd", least: 6, autocomplete: "new-password" };
    const fields = [field(t("field.password.old"), old), field(t("field.password.new"), fresh)];
    /** @param {Record<string, string>} asked */
    const submitted = async (asked) => {
      await this.#parts.client.rest.call("/user/passwd", asked);
      toast(t("me.password-changed"));
      box.close();
    };
    const box = openDialog(t("me.password"), form({ fields, submit: t("action.save"), submitted }));
  }

  async #devices() {
    const list = h("ul.list.devices", {}, h("li", {}, "…"));
    openDialog(t("me.devices"), list);
    const show = async () => {
      const rows = await this.#parts.client.rest.rows("/user/sessions");
      fill(list, ...rows.map((session) => this.#device(session, show)));
    };
    await show().catch((error) => toast(reason(error), "bad"));
  }

  /**
   * @param {Device} session
   * @param {() => Promise<void>} show draws the list anew
   */
  #device(session, show) {
    const revoke = async () => {
      try {
        await this.#parts.client.rest.call("/user/revoke", { id: session.id });
        await show();
      } catch (error) {
        toast(reason(error), "bad");
      }
    };
    const since = [whole(new Date(session.createat)), session.address].filter(Boolean).join(" · ");
    const name = deviceName(session.agent) || t("me.device", { id: session.id });
    const words = h("span.row-words", { title: session.agent }, h("b", {}, apart(name)), h("span.row-last", {}, since),
      session.current ? h("small", {}, t("me.this-device")) : null);
    return h("li.row", {}, words, session.current ? null : button(t("me.revoke"), revoke));
  }
}

/**
 * "Firefox · Linux" of what a browser said of itself when it logged in; other clients as they named themselves.
 * @param {string} [agent]
 */
function deviceName(agent = "") {
  /** @param {string[]} names */
  const named = (names) => names.find((name) => agent.includes(name));
  const browser = named(["Edg", "OPR", "Firefox", "Chrome", "Safari"]); // Edge and Opera say "Chrome" too
  const system = named(["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"]);
  return browser && system ? `${WHOLE_NAMES.get(browser) ?? browser} · ${system}` : shortened(agent, 60);
}

/** @type {(name: IconName, words: string, onclick: () => unknown) => HTMLElement} */
const action = (name, words, onclick) => rowButton(onclick, icon(name), h("span.row-words", {}, h("b", {}, words)));

// What can be done with a whole conversation: a window of its own, from the list and from the chat.

import { keepDrawn, openDialog } from "../dialog.js";
import { h } from "../element.js";
import { rowButton } from "../button.js";
import { icon } from "../icon.js";
import { KeyedList } from "../keyed-list.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";

/** @import { Client } from "../../im/index.js" */
/** @import { IconName } from "../icon.js" */
/** @import { Address, Show } from "../types.js" */

/**
 * @param {Address} conversation
 * @param {string} name how the conversation is called
 * @param {Client} client
 * @param {Show} show
 */
export function showChatMenu({ scope, dstid }, name, client, show) {
  /**
   * @param {IconName} mark
   * @param {string} words
   * @param {{ mute?: number, pin?: number, hide?: number }} changed
   */
  const choice = (mark, words, changed) => ({ key: mark, look: words, build: () => h("li", {}, rowButton(async () => {
    box.close();
    try {
      await client.keep(client.conversation(scope, dstid), changed);
      if (changed.hide && location.hash === `#${scope}:${dstid}`) location.hash = "";
    } catch (error) {
      toast(reason(error), "bad");
    }
  }, icon(mark), words)) });
  /** @type {(mark: IconName, words: string, call: (conversation: Address) => void) => import("../keyed-list.js").Row} */
  const way = (mark, words, call) => ({ key: mark, look: "", build: () => h("li", {}, rowButton(() => {
    box.close();
    call({ scope, dstid });
  }, icon(mark), words)) });
  const ways = [way("search", t("find.in-chat"), show.searchIn), way("picture", t("files.title"), show.files)];
  const list = h("ul.list.chat-menu");
  const rows = new KeyedList(list);
  const box = openDialog(name, list);
  keepDrawn(box, (draw) => client.on("conversations", draw), () => {
    const { muted, pinned } = client.conversation(scope, dstid);
    rows.show([...ways, choice("pin", pinned ? t("chat.unpin") : t("chat.pin"), { pin: Number(!pinned) }),
      choice("mute", muted ? t("chat.unmute") : t("chat.mute"), { mute: Number(!muted) }),
      choice("hide", t("chat.hide"), { hide: 1 })]);
  });
}

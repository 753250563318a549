// What can be done with a whole conversation: a window of its own, from the list and from the chat.

import { openDialog } from "../dialog.js";
import { h } from "../element.js";
import { rowButton } from "../button.js";
import { icon } from "../icon.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Conversation } from "../../im/conversation.js" */
/** @import { IconName } from "../icon.js" */

/**
 * @param {Conversation} conversation
 * @param {string} name how the conversation is called
 * @param {Client} client
 */
export function showChatMenu(conversation, name, client) {
  /**
   * @param {IconName} mark
   * @param {string} words
   * @param {{ mute?: number, pin?: number, hide?: number }} changed
   */
  const choice = (mark, words, changed) => h("li", {}, rowButton(async () => {
    box.close();
    try {
      await client.keep(conversation, changed);
      if (changed.hide && location.hash === `#${conversation.scope}:${conversation.dstid}`) location.hash = "";
    } catch (error) {
      toast(reason(error), "bad");
    }
  }, icon(mark), words));
  const { muted, pinned } = conversation;
  const box = openDialog(name, h("ul.list.chat-menu", {},
    choice("pin", pinned ? t("chat.unpin") : t("chat.pin"), { pin: Number(!pinned) }),
    choice("mute", muted ? t("chat.unmute") : t("chat.mute"), { mute: Number(!muted) }),
    choice("hide", t("chat.hide"), { hide: 1 })));
}

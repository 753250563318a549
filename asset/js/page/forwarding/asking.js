// Sending messages on: asks where to, and posts them there.

import { toast } from "../toast.js";
import { reason, t } from "../words.js";
import { sendOn } from "./posting.js";
import { chooseTargets } from "./targets.js";

/** @import { Client } from "../../im/index.js" */
/** @import { Words } from "../../im/types.js" */
/** @import { People } from "../people.js" */

/**
 * @param {Words[]} messages in the order in which they go on
 * @param {{ client: Client, people: People, chosen?: () => void }} parts `chosen` is told when it is known where to
 */
export function forward(messages, { client, people, chosen = () => {} }) {
  chooseTargets({ client, people, send: async (conversations) => {
    chosen();
    try {
      await sendOn(client, messages, conversations);
      toast(t("select.sent"));
    } catch (error) {
      toast(reason(error), "bad");
    }
  } });
}

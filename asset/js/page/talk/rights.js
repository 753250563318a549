// What a user may do with a message of others.

import { CMD } from "../../im/index.js";

/** @import { People } from "../people.js" */
/** @import { ShownMessage } from "../types.js" */

/**
 * Whether the message is in a group of mine.
 * @param {ShownMessage} message
 * @param {People} people
 */
export const ownsGroup = ({ cmd, dstid }, people) => cmd === CMD.GROUP && people.group(dstid).ownerid === people.me.id;

/**
 * @param {ShownMessage} message
 * @param {People} people
 */
export const mayRecall = (message, people) => message.userid === people.me.id || ownsGroup(message, people);

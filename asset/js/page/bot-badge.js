import { h } from "./element.js";
import { t } from "./words.js";

/**
 * Says of a bot that it is one; null for everybody else.
 * @param {{ bot?: number }} user
 */
export const botBadge = ({ bot }) => (bot ? h("small.tag.bot-badge", {}, t("user.bot")) : null);

import { mediaAddress } from "./address.js";
import { h } from "./element.js";
import { initial } from "./strangers.js";

/** @import { GroupFacts, Person } from "./types.js" */
/** @typedef {"" | "small" | "large"} Size */

const HUES = 12;

/**
 * The picture of a user or a group: the one it has, else its first character on a colour of its own.
 * @param {{ id?: number, name?: string, picture?: string }} whose
 * @param {{ size?: Size, group?: boolean }} [how]
 */
export function avatar({ id = 0, name = "", picture = "" }, { size = "", group = false } = {}) {
  const address = mediaAddress(picture);
  const box = h(`span.avatar.hue-${Number.isSafeInteger(id) ? Math.abs(id % HUES) : 0}`, { "aria-hidden": "true" });
  if (size) box.classList.add(`avatar-${size}`);
  if (group) box.classList.add("avatar-group");
  if (!address) {
    box.append(initial(name));
    return box;
  }
  const image = h("img", { src: address, alt: "", loading: "lazy", referrerpolicy: "no-referrer" });
  image.addEventListener("error", () => image.replaceWith(initial(name)), { once: true });
  box.append(image);
  return box;
}

/**
 * @param {Pick<Person, "id" | "nickname" | "avatar">} user
 * @param {Size} [size]
 */
export const userAvatar = (user, size) => avatar({ id: user.id, name: user.nickname, picture: user.avatar }, { size });

/**
 * @param {GroupFacts} group
 * @param {Size} [size]
 */
export const groupAvatar = (group, size) =>
  avatar({ id: group.id, name: group.name, picture: group.icon }, { size, group: true });

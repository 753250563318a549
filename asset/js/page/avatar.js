import { safeAddress } from "./address.js";
import { h } from "./element.js";

const HUES = 12;

/** The picture of a user or a group: the one it has, else its first character on a colour of its own. */
export function avatar({ id = 0, name = "", picture = "" }, { size = "", group = false } = {}) {
  const address = safeAddress(picture);
  const box = h(`span.avatar.hue-${id % HUES}`, { "aria-hidden": "true" });
  if (size) box.classList.add(`avatar-${size}`);
  if (group) box.classList.add("avatar-group");
  const initial = [...name.trim()][0] ?? "?";
  if (!address) {
    box.append(initial.toUpperCase());
    return box;
  }
  const image = h("img", { src: address, alt: "", loading: "lazy", referrerpolicy: "no-referrer" });
  image.addEventListener("error", () => image.replaceWith(initial.toUpperCase()), { once: true });
  box.append(image);
  return box;
}

export const userAvatar = (user, size) => avatar({ id: user.id, name: user.nickname, picture: user.avatar }, { size });
export const groupAvatar = (group, size) =>
  avatar({ id: group.id, name: group.name, picture: group.icon }, { size, group: true });

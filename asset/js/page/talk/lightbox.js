import { LINK } from "../address.js";
import { iconButton } from "../button.js";
import { shown } from "../dialog.js";
import { h } from "../element.js";
import { icon } from "../icon.js";
import { t } from "../words.js";

/**
 * Shows a picture over the whole window; a click or Escape closes it.
 * @param {string} address
 * @param {string} name
 */
export function openLightbox(address, name) {
  /** @type {HTMLDialogElement} */
  const box = h("dialog.lightbox", { "aria-label": name },
    h("img", { src: address, alt: name, referrerpolicy: "no-referrer" }),
    h("div.lightbox-bar", {},
      h("a.round", { href: address, title: t("action.open-original"), ...LINK }, icon("share")),
      iconButton("close", t("action.close"), () => box.close())));
  box.addEventListener("click", ({ target }) => (target instanceof Element && target.closest("a")) || box.close());
  shown(box);
}

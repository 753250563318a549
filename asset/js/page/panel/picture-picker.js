import { avatar } from "../avatar.js";
import { h } from "../element.js";
import { reason, t } from "../words.js";

/** @import { Rest } from "../../im/index.js" */

const TYPES = "image/png,image/jpeg,image/gif,image/webp,image/avif";

/**
 * An avatar that can be replaced by a picture of one's own, which is uploaded when chosen; `address` is then that of it.
 * @param {Rest} rest
 * @param {string} address
 * @param {() => Element} face
 */
export function picturePicker(rest, address, face) {
  const shown = h("span.picker-face", {}, face());
  const words = h("span", {}, t("picture.choose"));
  /** @param {File} file */
  const take = async (file) => {
    words.textContent = "…";
    try {
      const { url, thumb } = await rest.upload(file, { name: file.name });
      picker.address = thumb ?? url;
      shown.replaceChildren(avatar({ picture: picker.address }, { size: "large" }));
      words.textContent = t("picture.choose");
    } catch (error) {
      words.textContent = reason(error);
    }
  };
  const input = h("input.unseen", { type: "file", accept: TYPES });
  input.addEventListener("change", () => input.files?.[0] && take(input.files[0]));
  const picker = { element: h("label.picker", {}, shown, words, input), address: address ?? "" };
  return picker;
}

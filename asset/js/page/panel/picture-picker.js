import { avatar } from "../avatar.js";
import { h } from "../element.js";
import { reason, t } from "../words.js";

const TYPES = "image/png,image/jpeg,image/gif,image/webp";

/** An avatar that can be replaced by a picture of one's own: `{element, address}`; it is uploaded when chosen. */
export function picturePicker(rest, address, face) {
  const picker = { address: address ?? "" };
  const shown = h("span.picker-face", {}, face());
  const words = h("span", {}, t("picture.choose"));
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
  input.addEventListener("change", () => input.files[0] && take(input.files[0]));
  picker.element = h("label.picker", {}, shown, words, input);
  return picker;
}

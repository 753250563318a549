import { avatar } from "../avatar.js";
import { h } from "../element.js";
import { reason, t } from "../words.js";

/** An avatar that can be replaced by a picture of one's own: `{element, address}`; it is uploaded when chosen. */
export function picturePicker(rest, address, face) {
  const picker = { address: address ?? "" };
  const shown = h("span.picker-face", {}, face());
  const words = h("span", {}, t("picture.choose"));
  const input = h("input.unseen", { type: "file", accept: "image/png,image/jpeg,image/gif,image/webp", onchange: async () => {
    if (!input.files[0]) return;
    words.textContent = "…";
    try {
      const { url, thumb } = await rest.upload(input.files[0], { name: input.files[0].name });
      picker.address = thumb ?? url;
      shown.replaceChildren(avatar({ picture: picker.address }, { size: "large" }));
      words.textContent = t("picture.choose");
    } catch (error) {
      words.textContent = reason(error);
    }
  } });
  picker.element = h("label.picker", {}, shown, words, input);
  return picker;
}

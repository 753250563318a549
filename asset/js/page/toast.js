import { h } from "./element.js";

const SHOWN_FOR = 3_000; // ms

/** Says something in passing. `kind` is "" or "bad". */
export function toast(text, kind = "") {
  const place = document.querySelector(".toasts") ?? document.body.appendChild(h("div.toasts", { role: "status" }));
  const note = h(`p.toast${kind && `.${kind}`}`, {}, text);
  place.append(note);
  setTimeout(() => note.remove(), SHOWN_FOR);
}

// The language switch, which every page has.

import { BASE } from "./pages.js";

const A_YEAR = 31_536_000; // seconds

for (const button of document.querySelectorAll("[data-language]")) {
  if (!(button instanceof HTMLElement)) continue;
  button.addEventListener("click", () => {
    document.cookie = `lang=${button.dataset.language}; path=${BASE}/; max-age=${A_YEAR}; samesite=lax`;
    location.reload();
  });
}

// Login and registration: the form's own address takes its fields, the cookie it sets lets us in.

import { Rest } from "../im/index.js";
import { reason } from "./words.js";

const rest = new Rest({ fetch: (...args) => fetch(...args) });

for (const form of document.querySelectorAll("form[data-door]")) {
  const error = form.querySelector(".form-error");
  const submit = form.querySelector("[type=submit]");

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.hidden = true;
    submit.disabled = true;
    try {
      await rest.call(new URL(form.action).pathname, Object.fromEntries(new FormData(form)));
      location.assign("/chat/index.shtml");
    } catch (refused) {
      error.textContent = reason(refused);
      error.hidden = false;
    } finally {
      submit.disabled = false;
    }
  });
}

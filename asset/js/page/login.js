// Login and registration: the form's own address takes its fields, and the cookie that it sets is the login.

import { browserEnvironment } from "../im/environment.js";
import { Rest, markLogin } from "../im/index.js";
import { bounded, fieldsOf } from "./bounded.js";
import { carried } from "./chat-address.js";
import { part } from "./element.js";
import { wipe, wipeOthers } from "./kept/store.js";
import { BASE, CHAT, LOGIN, SERVER, adminPage } from "./pages.js";
import { offerProvider } from "./provider.js";
import { me } from "./whose.js";
import { reason } from "./words.js";

/**
 * What the forms get: a user, with the group of an invitation; who waits for an approval; or the group that was joined.
 * @typedef {{ id?: number, waiting?: number, group?: number }} Answer
 */

const rest = new Rest({ base: SERVER, fetch: (...args) => fetch(...args) });

/** @param {HTMLFormElement} form */
function prepare(form) {
  const error = part(".form-error", form);
  const submit = part("[type=submit]", form);

  for (const input of form.querySelectorAll("input")) {
    const { least = 0, most } = input.dataset;
    if (!most) continue;
    input.after(bounded(input, { least: Number(least), most: Number(most), trimmed: input.type !== "password" }));
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.hidden = true;
    submit.toggleAttribute("disabled", true);
    try {
      const answer = /** @type {Answer} */ (await rest.data(new URL(form.action).pathname.slice(BASE.length), fieldsOf(form)));
      if (form.dataset.login === "reset") {
        location.assign(LOGIN);
        return;
      }
      if (answer.waiting) {
        form.hidden = true;
        part(".form-waiting", document).hidden = false;
        return;
      }
      if (form.dataset.login === "join") {
        location.assign(`${CHAT}#11:${answer.id}`);
        return;
      }
      markLogin(browserEnvironment().storage, answer.id ?? 0); // pages that were somebody else's hear that they no longer are
      await wipeOthers(answer.id ?? 0); // also if the page that comes next can't be loaded
      await goOn(form, answer);
    } catch (refused) {
      error.textContent = reason(refused);
      error.hidden = false;
    } finally {
      submit.toggleAttribute("disabled", false);
    }
  });
}

/**
 * Into the chat, by an invitation into its group.
 * @param {HTMLFormElement} form
 * @param {Answer} answer
 */
async function goOn({ dataset: { code } }, { group }) {
  if (!code) {
    location.assign(adminPage(location.search) || CHAT + (group ? `#11:${group}` : carried(location.hash)));
    return;
  }
  try {
    const { id } = /** @type {Answer} */ (await rest.data("/invite/accept", { code }));
    location.assign(CHAT + (id ? `#11:${id}` : ""));
  } catch {
    location.reload(); // the page of who is logged in says what is refused
  }
}

// The chat that was asked for without being logged in is opened afterwards, also by who registers first.
function carryOn() {
  for (const link of document.querySelectorAll(".login-other a")) {
    if (link instanceof HTMLAnchorElement) link.hash = carried(location.hash);
  }
}

for (const form of document.querySelectorAll("form")) if ("login" in form.dataset) prepare(form);
for (const offer of document.querySelectorAll("[data-provider]")) if (offer instanceof HTMLElement) offerProvider(offer, rest);
if (!me) wipe(); // nobody is logged in: nothing of anybody stays
globalThis.addEventListener("hashchange", carryOn);
carryOn();

// The button that logs in at a provider, and what is said of a log-in there that failed.

import { carried } from "./chat-address.js";
import { part } from "./element.js";
import { BASE, adminPage } from "./pages.js";
import { reason, t } from "./words.js";

/** @import { Rest } from "../im/index.js" */

/**
 * Why somebody came back from there without being logged in; "" for none of these.
 * @param {string | null} why
 */
function failure(why) {
  switch (why) {
    case "again": return t("login.failed.again");
    case "cancelled": return t("login.failed.cancelled");
    case "closed": return t("register.closed");
    case "disabled": return t("login.failed.disabled");
    case "failed": return t("login.failed");
    case "invite": return t("register.invite");
    case "unavailable": return t("login.failed.unavailable");
    case "waiting": return t("register.waiting");
    default: return "";
  }
}

/**
 * @param {HTMLElement} offer
 * @param {Rest} rest
 */
export function offerProvider(offer, rest) {
  const error = part(".form-error", offer);
  const button = part("button", offer);
  /** @param {string} text */
  const say = (text) => {
    error.textContent = text;
    error.hidden = !text;
  };

  say(failure(new URLSearchParams(location.search).get("failed")));
  button.addEventListener("click", async () => {
    button.toggleAttribute("disabled", true);
    say("");
    try {
      const to = adminPage(location.search).slice(BASE.length) || carried(location.hash);
      const { url } = /** @type {{ url: string }} */ (
        await rest.data("/user/oidc", { to, invite: offer.dataset.provider ?? "" }));
      location.assign(url);
    } catch (refused) {
      say(reason(refused));
    } finally {
      button.toggleAttribute("disabled", false); // whoever comes back by the browser's button may try again
    }
  });
}

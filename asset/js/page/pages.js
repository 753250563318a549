// Addresses of the site's own pages.

export const CHAT = "/chat/index.shtml";
export const EMBED = "/embed";
export const LOGIN = "/user/login.shtml";
export const WORKER = "/service-worker.js";
export const ADMIN = "/admin/overview.shtml";

/**
 * The administrators' page to which the log-in leads back, by the query of the log-in page; "" for everything else: no
 * address that comes with a link may lead to another site.
 * @param {string} query
 */
export function adminPage(query) {
  const to = new URLSearchParams(query).get("to") ?? "";
  return /^\/admin\/[a-z]+\.shtml$/.test(to) ? to : "";
}

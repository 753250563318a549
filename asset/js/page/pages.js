// Addresses of the site's own pages.

/** What stands before every path: "/chat" where the server is at https://example.com/chat/, "" at a site's root. */
export const BASE = globalThis.document?.documentElement.dataset.base ?? "";
/** The server's address, as the client wants it. */
export const SERVER = (globalThis.location?.origin ?? "") + BASE;
export const CHAT = `${BASE}/chat/index.shtml`;
export const EMBED = `${BASE}/embed`;
export const LOGIN = `${BASE}/user/login.shtml`;
export const WORKER = `${BASE}/service-worker.js`;
export const ADMIN = `${BASE}/admin/overview.shtml`;

/**
 * The administrators' page to which the log-in leads back, by the query of the log-in page; "" for everything else: no
 * address that comes with a link may lead to another site.
 * @param {string} query
 */
export function adminPage(query) {
  const to = new URLSearchParams(query).get("to") ?? "";
  return /^\/admin\/[a-z]+\.shtml$/.test(to) ? BASE + to : "";
}

// The administrators' paths, asked by the user whose page this is.

import { Rest } from "../im/index.js";
import { BASE, LOGIN, SERVER } from "../page/pages.js";
import { me, showOtherUser } from "../page/whose.js";

/** @import { Refused } from "../im/refused.js" */
/** @import { Listed } from "./types.js" */

/** @param {Refused} error that ends the log-in */
function refused(error) {
  if (error.otherUser) showOtherUser();
  else location.replace(`${LOGIN}?to=${location.pathname.slice(BASE.length)}`);
}

const rest = new Rest({ base: SERVER, user: me?.id ?? null, fetch: (...args) => fetch(...args), refused });
const API = "/admin/api/";
const PATIENCE = 600_000; // ms: deleting what is old takes its time

/**
 * @param {string} path
 * @param {Record<string, string | number>} [query]
 */
const asked = (path, query = {}) => {
  const said = Object.entries(query).filter(([, value]) => value !== "" && value !== 0);
  const text = new URLSearchParams(said.map(([name, value]) => [name, String(value)])).toString();
  return API + path + (text && `?${text}`);
};

/**
 * A list. Throws a Refused.
 * @template Row
 * @param {string} path
 * @param {Record<string, string | number>} [query]
 * @returns {Promise<Listed<Row>>}
 */
export const listed = async (path, query) => /** @type {any} */ (await rest.call(asked(path, query), {}, "GET"));

/**
 * What one path says. Throws a Refused.
 * @param {string} path
 * @param {Record<string, string | number>} [query]
 * @returns {Promise<any>}
 */
export const told = async (path, query) => (await rest.call(asked(path, query), {}, "GET")).data;

/**
 * Does something, and gives what it answers. Throws a Refused.
 * @param {string} path
 * @param {Record<string, string | number>} [fields]
 * @param {"POST" | "PATCH"} [method]
 * @returns {Promise<any>}
 */
export const act = async (path, fields = {}, method = "POST") =>
  (await rest.call(API + path, fields, method, PATIENCE)).data;

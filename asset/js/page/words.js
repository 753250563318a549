// The page's words: those that its template used, of its language alone.

export const language = document.documentElement.dataset.lang || "en";

/** @type {Record<string, string>} */
const words = JSON.parse(document.querySelector("script#words")?.textContent ?? "{}");

/**
 * The words for `key`, with `{name}` replaced by `values.name`.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/**
 * The words for a refusal of the server, or for another error: its own English text where there is no better.
 * @param {unknown} error
 * @returns {string}
 */
export function reason(error) {
  const { name, status, message } = /** @type {Partial<Error & { status: number }>} */ (error ?? {});
  if (name === "AbortError") return t("problem.given-up");
  if (status === 0) return t("problem.no-connection");
  if (status === 413) return t("problem.too-large");
  if (status === 429) return t("problem.too-often");
  if (status === 503) return t("problem.unavailable");
  return refusal(message);
}

/**
 * The words for the text of a refusal, such as the server sends over the socket.
 * @param {string | undefined} text
 */
export const refusal = (text) => words[`refusal.${text}`] ?? text ?? t("problem.unknown");

/**
 * The words for the letter of a user's sex.
 * @param {string | undefined} letter
 */
export function sexOf(letter) {
  if (letter === "W") return t("sex.W");
  return letter === "M" ? t("sex.M") : t("sex.U");
}

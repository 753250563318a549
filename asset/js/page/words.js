// The page's words: the same dictionaries that the templates use.

export const language = document.documentElement.dataset.lang || "en";

const words = await (await fetch(`/asset/i18n/${language}.json`)).json();

/** The words for `key`, with `{name}` replaced by `values.name`. */
export function t(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** The words for a refusal of the server: its own English text where there is no better. */
export function reason(error) {
  if (error?.name === "AbortError") return t("problem.given-up");
  if (error?.status === 0) return t("problem.no-connection");
  if (error?.status === 413) return t("problem.too-large");
  if (error?.status === 429) return t("problem.too-often");
  if (error?.status === 503) return t("problem.unavailable");
  return words[`refusal.${error?.message}`] ?? error?.message ?? t("problem.unknown");
}

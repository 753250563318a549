// A little colour for code: its strings, comments, numbers and the most common keywords. Nothing of it is understood beyond that.

/** @typedef {"string" | "comment" | "number" | "keyword"} Colour */

const KEYWORDS = new Set(("and as async await bool break case catch char class const continue def default del do elif else enum except export extends "
  + "false False finally float fn for from func function go if impl import in int interface is let match mod mut new nil None not null or package "
  + "pass private pub public raise return self static string struct super switch this throw true True try type use var void while with yield "
  + "select from where insert into update set delete create table join on group by order limit values").split(" "));

// An end that is missing is the text's end, so that no place is looked at twice.
const STRING = "\"(?:[^\"\\\\\\n]|\\\\.)*\"?|'(?:[^'\\\\\\n]|\\\\.)*'?";
const REST = "(?<number>\\b\\d[\\w.]*)|(?<word>[\\p{L}_$][\\w$]*)";
const SLASHES = new RegExp(`(?<string>${STRING}|\`(?:[^\`\\\\]|\\\\[^])*\`?)|(?<comment>//[^\\n]*|/\\*(?:[^*]|\\*(?!/))*(?:\\*/)?)|${REST}`, "gu");
const HASHES = new RegExp(`(?<string>${STRING})|(?<comment>#[^\\n]*)|${REST}`, "gu");
const DASHES = new RegExp(`(?<string>${STRING})|(?<comment>--[^\\n]*)|${REST}`, "gu");

/** @type {Map<string, RegExp>} */
const LANGUAGES = new Map([
  ...["js", "javascript", "ts", "typescript", "jsx", "tsx", "json", "c", "h", "cpp", "c++", "cs", "java", "kotlin", "swift", "go", "rust", "rs", "php",
    "dart", "css", "scss"].map((name) => /** @type {const} */ ([name, SLASHES])),
  ...["py", "python", "sh", "bash", "shell", "zsh", "rb", "ruby", "yaml", "yml", "toml", "ini", "conf", "perl", "r",
    "dockerfile", "makefile"].map((name) => /** @type {const} */ ([name, HASHES])),
  ...["sql", "lua", "haskell", "hs"].map((name) => /** @type {const} */ ([name, DASHES])),
]);

/**
 * Code in parts, in order; in a language that isn't known it is one part.
 * @param {string} text
 * @param {string} language as it is named after the ticks
 * @returns {{ text: string, colour?: Colour }[]}
 */
export function coloured(text, language) {
  const pattern = LANGUAGES.get(language);
  if (!pattern) return [{ text }];
  /** @type {{ text: string, colour?: Colour }[]} */
  const parts = [];
  let from = 0;
  for (const { 0: found, index, groups = {} } of text.matchAll(pattern)) {
    const colour = colourOf(groups, language === "sql" ? found.toLowerCase() : found);
    if (!colour) continue;
    if (index > from) parts.push({ text: text.slice(from, index) });
    parts.push({ text: found, colour });
    from = index + found.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}

/**
 * @param {Record<string, string | undefined>} groups
 * @param {string} found
 * @returns {Colour | null}
 */
function colourOf({ string, comment, number, word }, found) {
  if (string) return "string";
  if (comment) return "comment";
  if (number) return "number";
  return word && KEYWORDS.has(found) ? "keyword" : null;
}

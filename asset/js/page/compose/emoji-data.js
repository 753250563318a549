// The emoji that the panel offers: their groups, names, and the words by which they are found, in English and Chinese.

/**
 * What `asset/emoji.json` says: `flags` are regions by their codes, `zh` emoji by Chinese words, both with spaces between.
 * @typedef {object} Given
 * @property {{ name: string, emoji: [emoji: string, name: string][] }[]} groups
 * @property {string} flags
 * @property {Record<string, string>} zh
 */

/**
 * `words` are all that it is found by; `name` is for people.
 * @typedef {{ emoji: string, name: string, words: string }} Emoji
 * @typedef {{ name: string, emoji: Emoji[] }} Group
 */

const FLAG = 0x1f1e6 - 65; // of the letter A

/**
 * The groups as they are shown to who reads `language`.
 * @param {Given} given
 * @param {string} language
 * @returns {Group[]}
 */
export function groupsOf({ groups, flags, zh }, language) {
  /** @type {Map<string, string[]>} */
  const chinese = new Map();
  for (const [word, found] of Object.entries(zh)) {
    for (const emoji of found.split(" ")) chinese.set(emoji, [...(chinese.get(emoji) ?? []), word]);
  }
  /** @type {(emoji: string, english: string, theirs?: string[]) => Emoji} */
  const one = (emoji, english, theirs = chinese.get(emoji) ?? []) => {
    const name = language === "zh" && theirs.length ? theirs.slice(0, 3).join("、") : english;
    return { emoji, name, words: [english, ...theirs].join(" ").toLowerCase() };
  };
  const [inEnglish, inChinese] = ["en", "zh"].map((name) => new Intl.DisplayNames([name], { type: "region" }));
  return [
    ...groups.map(({ name, emoji }) => ({ name, emoji: emoji.map(([face, english]) => one(face, english)) })),
    { name: "flags", emoji: flags.split(" ").map((code) => one(flagOf(code), inEnglish.of(code) ?? code, [inChinese.of(code) ?? code, code])) },
  ];
}

/** @param {string} code "CN" */
const flagOf = (code) => String.fromCodePoint(...[...code].map((letter) => FLAG + letter.charCodeAt(0)));

/**
 * What has all the words of `asked`, each at the beginning of a word first.
 * @param {Group[]} groups
 * @param {string} asked
 * @returns {Emoji[]}
 */
export function search(groups, asked) {
  const words = asked.toLowerCase().split(/\s+/u).filter(Boolean);
  const all = groups.flatMap(({ emoji }) => emoji).filter((one) => words.every((word) => one.words.includes(word)));
  /** @param {Emoji} one */
  const begins = (one) => words.every((word) => ` ${one.words}`.includes(` ${word}`));
  return [...all.filter(begins), ...all.filter((one) => !begins(one))];
}

/**
 * An emoji with a skin tone (1 to 5, 0 for none), if it has any.
 * @param {string} emoji
 * @param {number} tone
 */
export function toned(emoji, tone) {
  const base = emoji.replace("\uFE0F", "");
  return tone && /^\p{Emoji_Modifier_Base}$/u.test(base) ? base + String.fromCodePoint(0x1f3fa + tone) : emoji;
}

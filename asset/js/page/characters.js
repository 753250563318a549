// Lengths as the server counts them, in characters (Unicode code points), and cuts that leave characters whole.

const BIDI = /[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/gu; // make a name look as if it ended otherwise
const MOST_EMOJI = 3; // that are shown large
const LONGEST_EMOJI = 32; // code units; families with skin tones take so many
const EMOJI = /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|\p{Emoji_Modifier_Base}\p{Emoji_Modifier}|\p{Regional_Indicator}{2}|[0-9#*]\ufe0f?\u20e3)/u;
const graphemes = globalThis.Intl?.Segmenter ? new Intl.Segmenter(undefined, { granularity: "grapheme" }) : null;

/**
 * How many characters a text has: an emoji that JavaScript counts as 2 is one.
 * @param {string} text
 */
export function lengthOf(text) {
  let count = 0;
  for (let at = 0; at < text.length; at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) count += 1;
  return count;
}

/**
 * A text without halves of characters: the server refuses them, and nobody can see them.
 * @param {string} text
 */
export const wellFormed = (text) => text.replace(/\p{Surrogate}/gu, "\ufffd");

/**
 * What a person sees as the first character, which may be several code points: a flag, a family.
 * @param {string} text
 */
export const firstOf = (text) => segmentsOf(text.slice(0, 100))[0] ?? "";

/**
 * At most `most` characters of a text, cut between what a person sees as characters, with "…" where it was cut.
 * @param {string} text
 * @param {number} most
 */
export function shortened(text, most) {
  if (lengthOf(text) <= most) return text;
  return `${head(text, most - 1)}…`;
}

/**
 * A file's name of at most `most` characters that keeps its ending; nothing in it that the server refuses.
 * @param {string} name
 * @param {number} most
 */
export function fileName(name, most) {
  const clean = wellFormed(name).replace(/\p{Cc}/gu, " ").replace(BIDI, "");
  if (lengthOf(clean) <= most) return clean;
  const ending = endingOf(clean);
  return shortened(clean.slice(0, clean.length - ending.length), most - lengthOf(ending)) + ending;
}

/**
 * ".jpeg": the ending of a file's name with its dot, or "".
 * @param {string} name
 */
export const endingOf = (name) => /\.[^.\s]{1,16}$/u.exec(name)?.[0] ?? "";

/**
 * Whether a text is one to three emoji and nothing else.
 * @param {string} text
 */
export function isFewEmoji(text) {
  if (text.length > MOST_EMOJI * LONGEST_EMOJI || /[\p{L}\n]/u.test(text)) return false;
  const seen = segmentsOf(text).filter((one) => one.trim());
  return seen.length > 0 && seen.length <= MOST_EMOJI && seen.every((one) => one.length <= LONGEST_EMOJI && EMOJI.test(one));
}

/**
 * @param {string} text
 * @param {number} most
 */
function head(text, most) {
  let kept = "";
  let room = most;
  for (const segment of segmentsOf(text.slice(0, most * 2 + 100))) {
    room -= lengthOf(segment);
    if (room < 0) break;
    kept += segment;
  }
  return kept;
}

/** @param {string} text */
const segmentsOf = (text) => (graphemes ? Array.from(graphemes.segment(text), ({ segment }) => segment) : [...text]);

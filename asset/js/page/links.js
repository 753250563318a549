// Where an address in a text ends. People write brackets, quotes and the next sentence directly after it, in any script.

// The host: an IPv6 address, or labels of letters, digits and escapes. Then a port.
const LABEL = "(?:[\\p{L}\\p{N}\\p{M}_-]|%[0-9a-f]{2})+";
const NAME = `(?=[\\p{L}\\p{N}%])(?<name>${LABEL}(?:\\.${LABEL})*)(?:\\.(?=[/:?#]))?`;
const USER = "(?:[\\w.~%+-]+(?::[\\w.~%+!$&*=-]*)?@)?";
const AUTHORITY = new RegExp(`https?://${USER}(?:\\[[0-9a-f:.]+\\]|${NAME})(?::\\d+)?`, "iuy");
const BEGINNING = /https?:\/\//giu;

/** Whether what stands before makes it the end of another word or scheme: `xhttp://`, `git+https://`. */
const WITHIN = /[a-z]$|[a-z0-9]\+$/iu;

// Letters of another script directly after `.com` are the text that goes on: no top-level domain mixes Latin with others.
const LATIN_LABEL = /^[\p{Script=Latin}\p{N}\p{M}_%-]+/u;

const CLOSES = new Map([[")", "("], ["]", "["], ["}", "{"]]);
const OPENS = new Set(CLOSES.values());

/** Never part of an address: spaces, controls, ASCII that has to be escaped, and what is marked up as `**bold**`. */
const ENDS = /^(?:[\s\p{C}<>"`\\]|\*\*|~~|\|\||[,;|](?=https?:\/\/))/iu;
/** Punctuation and signs of other scripts end it as well, emoji don't. */
const EMOJI = "\\p{Extended_Pictographic}|\\p{Emoji_Modifier}|\\p{Regional_Indicator}";
const FOREIGN = new RegExp(`^(?!\\p{ASCII})(?:\\p{P}|(?!${EMOJI})\\p{S})`, "u");
/** Between two letters these are part of a word: O'Neill, 卡尔·马克思, カール・マルクス. */
const INNER = /^['·・]$/u;
const WORD = /^[\p{L}\p{N}\p{M}]/u;
/** Joiners shape letters and emoji; elsewhere they are invisible, and end it. */
const JOINER = /^[\u200c\u200d]$/u;
const JOINED = /^(?!\p{ASCII})[\p{L}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}]/u;

/** What may stand in an address, but not as its last character. */
const TRAILING = /[.,;:!?'*_~|·・\u200c\u200d]+$/u;

/**
 * Where in `text` addresses are, in order.
 * @param {string} text
 * @returns {{ from: number, to: number }[]}
 */
export function linksIn(text) {
  /** @type {{ from: number, to: number }[]} */
  const found = [];
  let end = 0;
  for (const { index } of text.matchAll(BEGINNING)) {
    if (index < end || WITHIN.test(text.slice(Math.max(0, index - 2), index))) continue;
    const to = endOf(text, index);
    if (!to) continue;
    found.push({ from: index, to });
    end = to;
  }
  return found;
}

/**
 * The end of the address that begins at `from`; 0 if there is no host.
 * @param {string} text
 * @param {number} from
 */
function endOf(text, from) {
  AUTHORITY.lastIndex = from;
  const match = AUTHORITY.exec(text);
  if (!match) return 0;
  const end = from + match[0].length;
  const host = match.groups?.name ?? "";
  const cut = afterLatin(host);
  if (cut) return from + match[0].lastIndexOf(host) + host.length - cut;
  const more = /[/?#]/u.test(text[end] ?? "");
  const to = more ? endOfPath(text, end, text[from - 1] === "'") : end;
  return from + text.slice(from, to).replace(TRAILING, "").length;
}

/**
 * How many characters at the end of a host's name are no longer it.
 * @param {string} name
 */
function afterLatin(name) {
  if (!name) return 0;
  const last = name.slice(name.lastIndexOf(".") + 1);
  const latin = LATIN_LABEL.exec(last)?.[0];
  return latin ? last.length - latin.length : 0;
}

/**
 * Where the path, query and fragment from `from` end: a bracket that closes belongs to them if it was opened there.
 * @param {string} text
 * @param {number} from
 * @param {boolean} quoted
 */
function endOfPath(text, from, quoted) {
  /** @type {{ sign: string, at: number }[]} */
  const open = [];
  let before = "/";
  for (let at = from; at < text.length;) {
    const sign = String.fromCodePoint(text.codePointAt(at) ?? 0);
    if (endsAt(text, at, sign, before, quoted)) return open[0]?.at ?? at;
    if (OPENS.has(sign)) open.push({ sign, at });
    else if (CLOSES.has(sign)) {
      if (open.at(-1)?.sign !== CLOSES.get(sign)) return open[0]?.at ?? at;
      open.pop();
    }
    before = sign;
    at += sign.length;
  }
  return open[0]?.at ?? text.length;
}

/**
 * Whether an address ends before the `sign` at `at`, which comes after the character `before`.
 * @param {string} text
 * @param {number} at
 * @param {string} sign
 * @param {string} before
 * @param {boolean} quoted
 */
function endsAt(text, at, sign, before, quoted) {
  const rest = text.slice(at, at + 12);
  const next = rest.slice(sign.length);
  if (JOINER.test(sign)) return !(JOINED.test(before) || before === "\ufe0f") || !JOINED.test(next);
  if (INNER.test(sign)) return (sign === "'" && quoted) || !WORD.test(before) || !WORD.test(next);
  return ENDS.test(rest) || FOREIGN.test(rest);
}

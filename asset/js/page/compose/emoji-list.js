// The emoji of the panel. A message that is one of them alone travels by its name (media 6, content "cry").

/** @type {Readonly<Record<string, string>>} */
export const EMOJI = Object.freeze({
  smile: "😄", grin: "😁", laugh: "😂", rofl: "🤣", blush: "😊", wink: "😉", love: "😍", kiss: "😘",
  tongue: "😜", cool: "😎", think: "🤔", shush: "🤫", neutral: "😐", roll: "🙄", smirk: "😏", sleepy: "😪",
  sleep: "😴", drool: "🤤", mask: "😷", sick: "🤢", dizzy: "😵", party: "🥳", nerd: "🤓", worried: "😟",
  sad: "🙁", cry: "😢", sob: "😭", scared: "😱", angry: "😠", rage: "🤬", shock: "😮", flush: "😳",
  plead: "🥺", sweat: "😅", hug: "🤗", angel: "😇", clown: "🤡", ghost: "👻", alien: "👽", robot: "🤖",
  ok: "👌", good: "👍", bad: "👎", clap: "👏", pray: "🙏", fist: "👊", strong: "💪", wave: "👋",
  victory: "✌️", handshake: "🤝", point: "👉", eyes: "👀", heart: "❤️", broken: "💔", sparkle: "✨", fire: "🔥",
  star: "⭐", hundred: "💯", bomb: "💣", zzz: "💤", dog: "🐶", cat: "🐱", panda: "🐼", pig: "🐷",
  monkey: "🙈", rabbit: "🐰", rose: "🌹", flower: "🌸", sun: "☀️", moon: "🌙", rain: "🌧️", snow: "❄️",
  cake: "🎂", coffee: "☕", beer: "🍺", cheers: "🥂", rice: "🍚", noodles: "🍜", apple: "🍎", melon: "🍉",
  gift: "🎁", balloon: "🎈", tada: "🎉", lantern: "🏮", redpacket: "🧧", football: "⚽", basketball: "🏀", music: "🎵",
  car: "🚗", plane: "✈️", rocket: "🚀", phone: "📱", idea: "💡", clock: "⏰", check: "✅", cross: "❌",
});

export const QUICK = Object.freeze(["👍", "❤️", "😂", "😮", "😢", "🎉"]);

const NAMES = new Map(Object.entries(EMOJI).map(([name, emoji]) => [emoji, name]));

/**
 * The name of a text that is one emoji of the list, or undefined.
 * @param {string} text
 */
export const emojiName = (text) => NAMES.get(text.trim());

/**
 * The emoji of a name, or undefined: the name comes from strangers, and may be "constructor".
 * @param {string | undefined} name
 */
export const emojiOf = (name = "") => (Object.hasOwn(EMOJI, name) ? EMOJI[name] : undefined);

// Colours that the page around an embedded chat chooses. They come from another site: only what is known to be a colour or
// a length becomes part of a style.

const COLOURS = new Set(["accent", "accent-strong", "accent-soft", "on-accent", "mine", "on-mine", "ground", "surface", "raised",
  "hover", "chosen", "line", "text", "dim", "good", "warn", "bad", "bad-soft"].map((name) => `--${name}`));
const RADIUS = "--radius";
const MINE = "--mine";
const ON_MINE = "--on-mine"; // of the words on it
const COLOUR = /^(#[0-9a-f]{3,8}|[a-z]{3,30}|(rgba?|hsla?|oklch|oklab|lab|lch)\([0-9a-z.,%/ +-]{1,60}\))$/i;
const LENGTH = /^\d{1,2}(\.\d{1,3})?(px|rem|em)?$/;

/**
 * Whether a theme may set a variable to a value.
 * @param {string} name as `--accent`
 * @param {unknown} value
 */
export function isThemed(name, value) {
  if (typeof value !== "string") return false;
  if (name === RADIUS) return LENGTH.test(value);
  return COLOURS.has(name) && COLOUR.test(value) && CSS.supports("color", value);
}

/**
 * Sets the variables of `theme`, and takes away those that an earlier one set; what can't be used is told in the console.
 * @param {unknown} theme
 */
export function applyTheme(theme) {
  const style = document.documentElement.style;
  for (const name of [...COLOURS, RADIUS]) style.removeProperty(name);
  for (const [name, value] of Object.entries(theme ?? {})) {
    if (isThemed(name, value)) style.setProperty(name, value);
    else console.warn("twim: the theme can't set", name, value);
  }
  const mine = style.getPropertyValue(MINE);
  if (mine && !style.getPropertyValue(ON_MINE)) style.setProperty(ON_MINE, legibleOn(mine));
}

/**
 * Black or white, whichever can be read better on a colour.
 * @param {string} colour
 */
function legibleOn(colour) {
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext("2d");
  if (!context) return "#000";
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = [...context.getImageData(0, 0, 1, 1).data].map((part) => (part / 255) ** 2.2);
  // Where both have the same contrast (WCAG 2, "relative luminance").
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#000" : "#fff";
}

// Pictures made smaller before they are sent: drawn anew they are turned upright, and tell nothing of place and device.

const SIDE = 2048; // pixels of the longer side that stay
const QUALITY = 0.82;
const WORTH = 200_000; // bytes from which it is tried
const STILL = new Map([["image/jpeg", ".jpg"], ["image/png", ".webp"], ["image/webp", ".webp"]]);

/**
 * Whether it may get smaller: animations and small pictures stay.
 * @param {{ type: string, size: number }} file
 */
export const isLarge = ({ type, size }) => STILL.has(type) && size >= WORTH;

/**
 * The size in pixels that a picture is drawn with.
 * @param {number} width
 * @param {number} height
 * @param {number} [side] the longest that either may be
 * @returns {[width: number, height: number]}
 */
export function within(width, height, side = SIDE) {
  const share = Math.min(1, side / Math.max(width, height, 1));
  return [Math.max(1, Math.round(width * share)), Math.max(1, Math.round(height * share))];
}

/**
 * The picture with fewer pixels and bytes; the file itself where it moves, isn't one, or would not get smaller.
 * @param {File} file
 * @returns {Promise<File>}
 */
export async function shrunk(file) {
  const ending = STILL.get(file.type);
  if (!ending || !isLarge(file) || await moves(file)) return file;
  try {
    const image = await createImageBitmap(file, { imageOrientation: "from-image" });
    const [width, height] = within(image.width, image.height);
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d")?.drawImage(image, 0, 0, width, height);
    image.close();
    const type = ending === ".jpg" ? "image/jpeg" : "image/webp"; // which keeps what is transparent
    /** @type {Blob | null} */
    const made = await new Promise((done) => { canvas.toBlob(done, type, QUALITY); });
    if (!made || made.type !== type || made.size > file.size * 0.9) return file;
    return new File([made], file.name.replace(/\.[^.]*$/u, "") + ending, { type });
  } catch {
    return file; // the browser can't read it: the server may
  }
}

/**
 * Whether a PNG or WebP picture is an animation, of which a canvas would keep one image.
 * @param {File} file
 */
async function moves(file) {
  if (file.type === "image/jpeg") return false;
  const head = new TextDecoder("latin1").decode(await file.slice(0, 4096).arrayBuffer());
  return file.type === "image/png" ? head.includes("acTL") : /^RIFF....WEBP/su.test(head) && head.includes("ANIM");
}

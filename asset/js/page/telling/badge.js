// How many messages are unread, on the icon of the tab and of the installed app.

const SIZE = 64;
const MOST = 99;

/** @type {Promise<HTMLImageElement> | null} */
let plain = null;
/** @type {HTMLLinkElement | null} */
const link = document.querySelector("link[rel=icon]");
const address = link?.href ?? "";
let shown = "";

/** @param {number} unread */
export function showBadge(unread) {
  if ("setAppBadge" in navigator) navigator.setAppBadge(unread).catch(() => null); // only an installed app has one
  const text = unread > MOST ? `${MOST}+` : String(unread || "");
  if (!link || text === shown) return;
  shown = text;
  drawn(text).then((href) => {
    if (shown !== text) return;
    link.href = href;
    link.dataset.count = text;
  }).catch(() => null);
}

/** @param {string} text */
async function drawn(text) {
  if (!text) return address;
  plain ??= loaded(address);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const paper = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  paper.drawImage(await plain, 0, 0, SIZE, SIZE);
  const wide = text.length > 2 ? 50 : 40;
  paper.fillStyle = "#d3243c";
  paper.beginPath();
  paper.roundRect(SIZE - wide, SIZE - 38, wide, 38, 19);
  paper.fill();
  paper.fillStyle = "#fff";
  paper.font = "bold 30px system-ui, sans-serif";
  paper.textAlign = "center";
  paper.fillText(text, SIZE - wide / 2, SIZE - 8, wide - 6);
  return canvas.toDataURL();
}

/** @param {string} from */
async function loaded(from) {
  const image = new Image(SIZE, SIZE);
  image.src = from;
  await image.decode();
  return image;
}

// How the menu of a row is asked for: by a right click, a long press, the key for menus, or Enter on the row itself.

const HELD = 500; // ms that a finger lies on a row for a long press
const STILL = 10; // pixels that it may move meanwhile
/** What the browser's own menu is for. */
const OWN = "a[href], video, audio, input, textarea";

/** @typedef {{ x: number, y: number }} Point */

/**
 * Calls `open` with where it was asked for, in pixels of the window; with null where that is the row itself.
 * @param {HTMLElement} row
 * @param {(at: Point | null) => void} open
 */
export function onMenu(row, open) {
  row.addEventListener("contextmenu", (event) => {
    const { target, clientX, clientY, shiftKey, button } = event;
    if (shiftKey || isOwn(target) || selects(row)) return;
    event.preventDefault();
    release();
    open(button === 2 ? { x: clientX, y: clientY } : null);
  });
  row.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target !== row || event.isComposing) return;
    event.preventDefault();
    open(null);
  });
  const release = onLongPress(row, () => open(null));
}

/**
 * For browsers that tell no `contextmenu` of a long press. Answers what gives up the press that lasts.
 * @param {HTMLElement} row
 * @param {() => void} pressed
 */
function onLongPress(row, pressed) {
  let timer = 0;
  let [x, y] = [0, 0];
  const release = () => clearTimeout(timer);
  row.addEventListener("pointerdown", ({ pointerType, isPrimary, target, clientX, clientY }) => {
    release();
    if (pointerType !== "touch" || !isPrimary || isOwn(target)) return;
    [x, y] = [clientX, clientY];
    timer = globalThis.setTimeout(pressed, HELD);
  });
  row.addEventListener("pointermove", ({ clientX, clientY }) => Math.hypot(clientX - x, clientY - y) > STILL && release());
  for (const event of /** @type {const} */ (["pointerup", "pointercancel", "pointerleave"])) row.addEventListener(event, release);
  return release;
}

/** @param {EventTarget | null} target */
const isOwn = (target) => target instanceof Element && target.closest(OWN) !== null;

/**
 * Whether words of the row are selected: then the browser's menu copies them.
 * @param {HTMLElement} row
 */
function selects(row) {
  const selection = getSelection();
  return Boolean(selection && !selection.isCollapsed && selection.containsNode(row, true));
}

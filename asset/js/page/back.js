// What lies over the page (a dialog, a picture, the emoji) closes by Back, before Back leaves the chat below it.
//
// Each level of them is an entry of the history with the same address. One that closes by itself leaves its entry, as
// taking it out (history.back) would run into a link that is followed in the same moment; the next one uses it again,
// and a Back that would only leave it goes one further.

/** @typedef {{ close: () => void, there: () => boolean }} Open */

/** @type {Open[]} */
const open = []; // how to close what is open, the uppermost last
/** @type {number} */
let level = history.state?.over ?? 0; // of the entry we are at
let address = location.hash;

/**
 * Something has opened, and `close` closes it. Answers what is to be called once it is closed; what may also go with the
 * row that it is in says by `there` whether it still is.
 * @param {() => void} close
 * @param {() => boolean} [there]
 */
export function over(close, there = () => true) {
  forget();
  const entry = { close, there };
  open.push(entry);
  if (open.length > level) {
    level = open.length;
    history.pushState({ ...history.state, over: level }, "");
    address = location.hash; // which may have been replaced
  }
  return () => {
    const at = open.indexOf(entry);
    if (at >= 0) open.splice(at, 1);
  };
}

function forget() {
  for (let at = open.length - 1; at >= 0; at--) if (!open[at].there()) open.splice(at, 1);
}

/** @param {number} count */
function closeDownTo(count) {
  while (open.length > count) open.pop()?.close();
}

globalThis.addEventListener("popstate", ({ state }) => {
  forget();
  const before = level;
  const moved = location.hash !== address;
  level = state?.over ?? 0;
  address = location.hash;
  if (moved) return closeDownTo(0); // it was about the chat that is left
  if (level < before && before > open.length) return history.back();
  return closeDownTo(level);
});

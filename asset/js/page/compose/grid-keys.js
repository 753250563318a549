// A grid is one stop of the Tab key: arrow keys go through it.

/** @param {HTMLElement} grid of buttons */
export function goByKeys(grid) {
  grid.addEventListener("keydown", (event) => {
    const cells = [...grid.querySelectorAll("button")];
    const at = cells.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    if (at < 0) return;
    const top = cells[0].offsetTop;
    const columns = Math.max(1, cells.findIndex((cell) => cell.offsetTop > top));
    /** @type {Record<string, number>} */
    const ways = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns, ArrowDown: at + columns, Home: 0, End: cells.length - 1 };
    const next = cells[ways[event.key] ?? -1];
    if (!next) return;
    event.preventDefault();
    stopAt(grid, next);
    next.focus();
  });
}

/**
 * Makes one button the stop; the first where none is given.
 * @param {HTMLElement} grid
 * @param {Element | null} [stop]
 */
export function stopAt(grid, stop = grid.querySelector("button")) {
  for (const cell of grid.querySelectorAll("button")) cell.tabIndex = cell === stop ? 0 : -1;
}

// The arithmetic of a list whose rows have one height, and of which only those near the view are in the page.

const BESIDE = 8; // rows that are in the page above the view, and below it

/**
 * The rows that are to be in the page: those near the view, and `kept`, if there is such a row, wherever it is.
 * @param {object} view
 * @param {number} view.count of all rows
 * @param {number} view.height of a row, in pixels
 * @param {number} view.above how far the list's top is above the view's, in pixels; negative where it is below
 * @param {number} view.seen height of the view, in pixels
 * @param {number} [kept]
 * @returns {number[]} ascending
 */
export function rowsInPage({ count, height, above, seen }, kept = -1) {
  const first = Math.min(Math.max(Math.floor(above / height) - BESIDE, 0), Math.max(count - BESIDE, 0));
  const end = Math.min(Math.max(Math.ceil((above + seen) / height) + BESIDE, first), count);
  const rows = Array.from({ length: end - first }, (_, at) => first + at);
  if (kept < 0 || kept >= count || (kept >= first && kept < end)) return rows;
  return kept < first ? [kept, ...rows] : [...rows, kept];
}

/**
 * How many rows are left out before each of `rows`, and, last, after all of them.
 * @param {number[]} rows
 * @param {number} count of all rows
 */
export const gaps = (rows, count) => [...rows, count].map((row, at) => row - (at ? rows[at - 1] + 1 : 0));

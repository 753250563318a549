// A list is one stop of the Tab key: arrow keys go from row to row, and what is in a row can be reached by Tab from it.

const WITHIN = "a[href], button, video, audio, input, summary";
/** @type {Record<string, (at: number, count: number) => number>} */
const WAYS = {
  ArrowUp: (at) => at - 1, ArrowDown: (at) => at + 1, Home: () => 0, End: (_, count) => count - 1,
  PageUp: (at) => at - 10, PageDown: (at) => at + 10,
};

/**
 * Where a key leads from the row `at` of `count`; -1 where it leads nowhere.
 * @param {string} key
 * @param {number} at
 * @param {number} count
 */
export function wayOf(key, at, count) {
  const way = WAYS[key];
  if (!way || !count) return -1;
  return Math.min(Math.max(way(at, count), 0), count - 1);
}

/**
 * Whether a key is meant for the row itself, and not for a player or a field in it.
 * @param {KeyboardEvent} event
 */
export const isPlain = ({ target, altKey, ctrlKey, metaKey, shiftKey }) =>
  !altKey && !ctrlKey && !metaKey && !shiftKey && !(target instanceof Element && target.closest("video, audio, input, textarea"));

/** The rows of `list` that `selector` finds, of which the last is the stop until another has had the focus. */
export class TabStop {
  #list; #selector;
  /** @type {HTMLElement | null} */
  #stop = null;

  /**
   * @param {HTMLElement} list
   * @param {string} selector
   */
  constructor(list, selector) {
    this.#list = list;
    this.#selector = selector;
    list.addEventListener("focusin", ({ target }) => this.#moveTo(this.#rowOf(target)));
    list.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /**
   * Runs `change`, which may build rows anew. A row with a focus that can be seen has it again.
   * @param {() => void} change
   */
  around(change) {
    const focused = this.#list.querySelector(":focus-visible");
    const row = this.#rowOf(focused);
    change();
    for (const one of this.#list.querySelectorAll(`${this.#selector}:not([data-held])`)) {
      if (one instanceof HTMLElement) hold(one);
    }
    if (!this.#stop?.isConnected) this.#moveTo(this.#sameAs(row ?? this.#stop) ?? this.#rows().at(-1) ?? null);
    if (row && !row.isConnected) this.#stop?.focus({ preventScroll: true });
  }

  /** @param {HTMLElement | null} row */
  #moveTo(row) {
    if (!row || row === this.#stop) return;
    if (this.#stop) reachable(this.#stop, false);
    this.#stop = row;
    reachable(row, true);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const row = this.#rowOf(event.target);
    if (!row || !isPlain(event)) return;
    const rows = this.#rows();
    const next = wayOf(event.key, rows.indexOf(row), rows.length);
    if (next < 0) return;
    event.preventDefault();
    rows[next].focus();
  }

  /** @param {HTMLElement | null} row */
  #sameAs(row) {
    const { seq, cid } = row?.dataset ?? {};
    return this.#rows().find((one) => (seq && one.dataset.seq === seq) || (cid && one.dataset.cid === cid));
  }

  /**
   * @param {unknown} target
   * @returns {HTMLElement | null}
   */
  #rowOf(target) { return target instanceof Element ? target.closest(this.#selector) : null; }

  /** @returns {HTMLElement[]} */
  #rows() { return [...this.#list.querySelectorAll(this.#selector)].filter((row) => row instanceof HTMLElement); }
}

/** @param {HTMLElement} row */
function hold(row) {
  row.dataset.held = "1";
  reachable(row, false);
}

/**
 * @param {HTMLElement} row
 * @param {boolean} yes
 */
function reachable(row, yes) {
  row.tabIndex = yes ? 0 : -1;
  for (const one of row.querySelectorAll(WITHIN)) {
    if (one instanceof HTMLElement && !one.classList.contains("speaker")) one.tabIndex = yes ? 0 : -1;
  }
}

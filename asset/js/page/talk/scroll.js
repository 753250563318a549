// Where the chat window stands: at its end it follows new messages, at its top it loads older ones, and between them
// what is in view stays where it is, whatever is added, changed or loaded around it.

const NEAR = 60; // pixels that still count as the end
const EARLY = 800; // pixels before the top at which the next rows are asked for
const SOON = 800; // pixels before the bottom at which the next ones are
const ABOVE = 48; // pixels left above a row that is shown at the top
const BETWEEN = ".day, .new"; // lines that move: a day's up when the day grows, and that of what is new
const SEEN_BOUND = 60; // rows in view that are remembered

/**
 * A row and how far its top is from the window's, in pixels.
 * @typedef {{ row: HTMLElement, seq: string | undefined, top: number }} Position
 */

/** @typedef {{ seq: string, top: number }} ReadingPosition of the message `seq`, below the top of the box */

export class Scroll {
  #box; #list; #moved; #isLast; #following = true; #top = 0;
  /** @type {Position[]} */
  #positions = [];

  /**
   * `reachedTop` is called near the top and `reachedBottom` near the bottom, `moved(atEnd)` when the end is left or comes
   * into view. `isLast()` says whether the last row is the last there is: else its bottom is not the end.
   * @param {HTMLElement} box
   * @param {HTMLElement} list
   * @param {{ reachedTop: () => void, reachedBottom: () => void, moved: (atEnd: boolean) => void,
   *   isLast: () => boolean }} calls
   */
  constructor(box, list, { reachedTop, reachedBottom, moved, isLast }) {
    this.#box = box;
    this.#list = list;
    this.#moved = moved;
    this.#isLast = isLast;
    box.addEventListener("scroll", () => {
      const was = this.#following;
      // Only a way up ends the following: the end also moves away when a picture arrives.
      const up = box.scrollTop < this.#top - 1;
      this.#following = this.#isLast() && (this.#atEnd() || (was && !up));
      this.#settle();
      if (this.#following !== was) moved(this.#following);
      // Where all there are is less than both distances, the way says which end is meant.
      if (this.nearTop && (up || !this.nearBottom)) reachedTop();
      if (this.nearBottom && !up) reachedBottom();
    }, { passive: true });
    // Pictures that load late and a keyboard that opens change the height without a scroll.
    const watcher = new ResizeObserver(() => (this.#following ? this.toEnd() : this.#settle()));
    watcher.observe(box);
    for (const inner of box.children) watcher.observe(inner);
  }

  /** What is in view stays where it is but for what was scrolled, whatever has grown in the same moment. */
  #settle() {
    const scrolled = this.#box.scrollTop - this.#top;
    this.#putBack(this.#following ? [] : this.#positions.map((position) => ({ ...position, top: position.top - scrolled })));
    this.#remember();
  }

  get following() { return this.#following; }
  /** A window that isn't shown is at no end: else all there is would be loaded into it. */
  get nearTop() { return this.#box.clientHeight > 0 && this.#box.scrollTop < EARLY; }
  get nearBottom() { return this.#box.clientHeight > 0 && this.#below < SOON; }

  /**
   * Another list: at its end, or soon to be where `goBack` brings it.
   * @param {boolean} atEnd
   */
  begin(atEnd) {
    this.#following = atEnd;
    this.#top = 0;
    this.#positions = [];
  }

  /**
   * Where somebody reads; null at the end.
   * @returns {ReadingPosition | null}
   */
  get position() {
    const [first] = this.#following ? [] : this.#inView();
    return first?.seq ? { seq: first.seq, top: first.top - this.#box.getBoundingClientRect().top } : null;
  }

  /**
   * Goes where `position` was; false when that message is no longer loaded.
   * @param {ReadingPosition} position
   */
  goBack({ seq, top }) {
    const row = this.#rowOf(seq);
    if (!row) return false;
    this.#leaveEnd();
    this.#putBack([{ row, seq, top: top + this.#box.getBoundingClientRect().top }]);
    this.#remember();
    return true;
  }

  toEnd() {
    const was = this.#following;
    this.#following = true;
    this.#box.scrollTop = this.#box.scrollHeight;
    this.#top = this.#box.scrollTop;
    if (!was) this.#moved(true);
  }

  /**
   * Brings a row into the middle of the window. Not smoothly: what loads on the way would end the way.
   * @param {HTMLElement} row
   */
  show(row) {
    this.#leaveEnd();
    row.scrollIntoView({ block: "center" });
    this.#remember();
    if (this.#isLast() && this.#atEnd()) this.toEnd(); // also where there is nothing to scroll
  }

  /**
   * Brings a row to the top of the window if it is above it. Answers whether it was.
   * @param {HTMLElement} row
   */
  showFrom(row) {
    const above = row.getBoundingClientRect().top - this.#box.getBoundingClientRect().top;
    if (above >= 0) return false;
    this.#leaveEnd();
    this.#box.scrollTop += above - ABOVE;
    this.#remember();
    return true;
  }

  /**
   * Runs `change`, then stays at the end, or leaves where it is what is in view.
   * @param {() => void} change
   */
  around(change) {
    this.#settle();
    change();
    if (this.#following) return this.toEnd();
    return this.#settle();
  }

  #leaveEnd() {
    if (this.#following) this.#moved(false);
    this.#following = false;
  }

  #remember() {
    this.#top = this.#box.scrollTop;
    this.#positions = this.#following ? [] : this.#inView();
  }

  // One that was built anew stands for its message only where no other is left: it may look different from its top on.
  /** @param {Position[]} positions */
  #putBack(positions) {
    const kept = positions.find(({ row }) => row.isConnected) ?? this.#builtAnew(positions);
    if (!kept) return;
    const moved = kept.row.getBoundingClientRect().top - kept.top;
    if (Math.abs(moved) >= 0.5) this.#box.scrollTop += moved; // less can't be scrolled, and would add up
  }

  /**
   * @param {Position[]} positions
   * @returns {Position | null}
   */
  #builtAnew(positions) {
    for (const position of positions) {
      const row = this.#rowOf(position.seq);
      if (row) return { ...position, row };
    }
    return null;
  }

  /** The rows in view with their tops: first those that begin in it, as what is above its top may grow upwards. */
  #inView() {
    const { top, bottom } = this.#box.getBoundingClientRect();
    const rows = /** @type {HTMLCollectionOf<HTMLElement>} */ (this.#list.children);
    /** @type {Position[]} */
    const found = [];
    for (let at = this.#firstBelow(top); at < rows.length && found.length < SEEN_BOUND; at++) {
      const position = { row: rows[at], seq: rows[at].dataset.seq, top: rows[at].getBoundingClientRect().top };
      if (position.top >= bottom) break;
      if (!position.row.matches(BETWEEN)) found.push(position);
    }
    const begins = found.filter((position) => position.top >= top);
    return [...begins, ...found.filter((position) => position.top < top)];
  }

  /** @param {number} top */
  #firstBelow(top) {
    let [low, high] = [0, this.#list.children.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#list.children[middle].getBoundingClientRect().bottom > top) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /**
   * @param {string | undefined} seq
   * @returns {HTMLElement | null}
   */
  #rowOf(seq) { return seq ? this.#list.querySelector(`[data-seq="${Number(seq)}"]`) : null; }

  #atEnd() { return this.#below < NEAR; }

  /** How many pixels are below the window. */
  get #below() { return this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight; }
}

// Where the chat window stands: at its end it follows new messages, at its top it loads older ones.

const NEAR = 60; // pixels that still count as the end
const EARLY = 300; // pixels before the top at which the next page is asked for

export class Scroll {
  #box; #moved; #following = true; #top = 0;

  /** `reachedTop` is called near the top, `moved(atEnd)` when the end is left or comes into view. */
  constructor(box, { reachedTop, moved }) {
    this.#box = box;
    this.#moved = moved;
    box.addEventListener("scroll", () => {
      const was = this.#following;
      // Only a way up ends the following: the end also moves away when a picture arrives.
      const up = box.scrollTop < this.#top - 1;
      this.#top = box.scrollTop;
      this.#following = this.#atEnd() || (was && !up);
      if (this.#following !== was) moved(this.#following);
      if (this.nearTop) reachedTop();
    }, { passive: true });
    // Pictures that load late and a keyboard that opens change the height without a scroll.
    const watcher = new ResizeObserver(() => this.#following && this.toEnd());
    watcher.observe(box);
    watcher.observe(box.firstElementChild);
  }

  get following() { return this.#following; }
  get nearTop() { return this.#box.scrollTop < EARLY; }

  toEnd() {
    const was = this.#following;
    this.#following = true;
    this.#box.scrollTop = this.#box.scrollHeight;
    if (!was) this.#moved(true);
  }

  /** Runs `change`, then stays at the end, or leaves in its place the row that is in view. */
  around(change) {
    const places = this.#following ? [] : this.#inView();
    change();
    if (this.#following) return this.toEnd();
    const [row, was] = places.find(([row]) => row.isConnected) ?? []; // some are built anew by the change
    if (row) this.#box.scrollTop += row.getBoundingClientRect().top - was;
    return undefined;
  }

  #inView() {
    const { top, bottom } = this.#box.getBoundingClientRect();
    const places = [...this.#box.querySelectorAll("li.message")].map((row) => [row, row.getBoundingClientRect()]);
    return places.filter(([, at]) => at.bottom > top && at.top < bottom).map(([row, at]) => [row, at.top]);
  }

  #atEnd() { return this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight < NEAR; }
}

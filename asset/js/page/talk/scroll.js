// Where the chat window stands: at its end it follows new messages, at its top it loads older ones.

const NEAR = 60; // pixels that still count as the end
const EARLY = 300; // pixels before the top at which the next page is asked for

export class Scroll {
  #box; #following = true; #top = 0;

  /** `reachedTop` is called near the top, `moved(atEnd)` when the end is left or comes into view. */
  constructor(box, { reachedTop, moved }) {
    this.#box = box;
    box.addEventListener("scroll", () => {
      const was = this.#following;
      // Only a way up ends the following: the end also moves away when a picture arrives.
      const up = box.scrollTop < this.#top - 1;
      this.#top = box.scrollTop;
      this.#following = this.#atEnd() || (was && !up);
      if (this.#following !== was) moved(this.#following);
      if (box.scrollTop < EARLY) reachedTop();
    }, { passive: true });
    // Pictures that load late and a keyboard that opens change the height without a scroll.
    const watcher = new ResizeObserver(() => this.#following && this.toEnd());
    watcher.observe(box);
    watcher.observe(box.firstElementChild);
  }

  get following() { return this.#following; }
  get short() { return this.#box.scrollHeight <= this.#box.clientHeight + EARLY; }

  toEnd() {
    this.#following = true;
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  /** Runs `change`, then stays at the end, or leaves in its place the row that is in view. */
  around(change) {
    const top = this.#box.getBoundingClientRect().top;
    const row = this.#following ? null : this.#rowAt(top);
    const was = row?.getBoundingClientRect().top;
    change();
    if (this.#following) this.toEnd();
    else if (row?.isConnected) this.#box.scrollTop += row.getBoundingClientRect().top - was;
  }

  #rowAt(top) {
    return [...this.#box.querySelectorAll("li.message")].find((row) => row.getBoundingClientRect().bottom > top);
  }

  #atEnd() { return this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight < NEAR; }
}

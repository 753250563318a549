/**
 * Children of an element that are built only when they look different: what stays the same stays the same element, and
 * with it a focus, a half-made click, a playing voice.
 */
export class KeyedList {
  #element; #shown = new Map();

  constructor(element) { this.#element = element; }

  /** `items` are `{key, look, build}` in order: `build()` makes the child, again whenever `look` (a string) changes. */
  show(items) {
    const next = new Map(items.map(({ key, look, build }) => {
      const old = this.#shown.get(key);
      return [key, old?.look === look ? old : { look, element: build() }];
    }));
    for (const [key, { element }] of this.#shown) if (next.get(key)?.element !== element) element.remove();
    let at = this.#element.firstElementChild;
    for (const { element } of next.values()) {
      if (element === at) at = at.nextElementSibling;
      else this.#element.insertBefore(element, at);
    }
    this.#shown = next;
  }
}

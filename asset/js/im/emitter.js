/** Events with plain arguments: `on(name, call)` gives back the function that ends the subscription. */
export class Emitter {
  #listeners = new Map();

  on(name, call) {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(call));
    return () => listeners.delete(call);
  }

  emit(name, ...rest) {
    for (const call of [...(this.#listeners.get(name) ?? [])]) {
      try {
        call(...rest);
      } catch (error) {
        console.error(error); // one listener's mistake must not stop the delivery to the others
      }
    }
  }
}

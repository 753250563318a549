/**
 * Events with plain arguments.
 * @template {Record<string, unknown[]>} Events the arguments of each event, by its name
 */
export class Emitter {
  /** @type {{ [Name in keyof Events]?: Set<(...rest: Events[Name]) => void> }} */
  #listeners = Object.create(null);

  /**
   * Calls `call` at each event `name`, until the function that is returned is called.
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(...rest: Events[Name]) => void} call
   * @returns {() => void}
   */
  on(name, call) {
    const listeners = this.#listeners[name] ??= new Set();
    listeners.add(call);
    return () => { listeners.delete(call); };
  }

  /**
   * Calls the listeners of the event `name`. One that throws is reported to the console and stops none of the others.
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {Events[Name]} rest
   */
  emit(name, ...rest) {
    for (const call of [...(this.#listeners[name] ?? [])]) {
      try {
        call(...rest);
      } catch (error) {
        console.error(error);
      }
    }
  }
}

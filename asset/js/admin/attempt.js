// What was tried and failed is told beside it.

import { h } from "../page/element.js";
import { reason } from "../page/words.js";

/** A line for what goes wrong, which is empty and hidden until something does. */
export const problemLine = () => h("p.form-error", { role: "alert", hidden: true });

/**
 * Does it, and says in `line` why it couldn't be done; answers whether it was.
 * @param {HTMLElement} line
 * @param {() => Promise<unknown>} call
 */
export async function attempt(line, call) {
  line.hidden = true;
  try {
    await call();
    return true;
  } catch (error) {
    line.textContent = reason(error);
    line.hidden = false;
    return false;
  }
}

/** @typedef {string | number | boolean | null | undefined | Record<string, unknown> | ((event: MouseEvent) => unknown)} Attribute */
/** @typedef {Node | string | false | null | undefined} Child */

/**
 * The element that `h` makes by a name: an HTMLButtonElement by "button.primary".
 * @template {string} Name
 * @typedef {Name extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[Name]
 *   : Name extends `${infer Tag}.${string}` ? ElementOf<Tag> : HTMLElement} ElementOf
 */

/**
 * Builds an element: `h("button.primary", {type: "button", onclick}, "text", child)`. Text is always text: nothing here
 * parses HTML, so what a stranger wrote can't become part of the page's structure. Attributes that are false, null or
 * undefined are left out; `on…` are listeners, `dataset` an object.
 * @template {string} Name
 * @param {Name} name
 * @param {Record<string, Attribute>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {ElementOf<Name>}
 */
export function h(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) set(element, key, value);
  element.append(...present(children));
  return /** @type {ElementOf<Name>} */ (element);
}

/** @param {(Child | Child[])[]} children */
const present = (children) =>
  children.flat().filter((child) => child !== false && child !== null && child !== undefined);

/**
 * @param {HTMLElement} element
 * @param {string} key
 * @param {Attribute} value
 */
function set(element, key, value) {
  if (value === false || value === null || value === undefined) return;
  if (typeof value === "function") element.addEventListener(key.slice("on".length), /** @type {EventListener} */ (value));
  else if (typeof value === "object") Object.assign(element.dataset, value);
  else element.setAttribute(key, value === true ? "" : String(value));
}

/**
 * Shows `children` in place of what `element` held.
 * @template {Element} E
 * @param {E} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...present(children));
  return element;
}

/**
 * The element of the page's template that `selector` finds. Throws where the template has none.
 * @param {string} selector
 * @param {ParentNode} [within]
 */
export function part(selector, within = document) {
  const element = within.querySelector(selector);
  if (!(element instanceof HTMLElement)) throw new Error(`the page has no ${selector}`);
  return element;
}

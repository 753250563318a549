/**
 * Builds an element: `h("button.primary", {type: "button", onclick}, "text", child)`. Text is always text: nothing here
 * parses HTML, so what a stranger wrote can't become part of the page's structure. Attributes that are false, null or
 * undefined are left out; `on…` are listeners, `dataset` an object.
 */
export function h(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) set(element, key, value);
  element.append(...present(children));
  return element;
}

const present = (children) => children.flat().filter((child) => (child ?? false) !== false);

function set(element, key, value) {
  if (value === false || value === null || value === undefined) return;
  if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
  else if (key === "dataset") Object.assign(element.dataset, value);
  else element.setAttribute(key, value === true ? "" : value);
}

/** Shows `children` in place of what `element` held. */
export function fill(element, ...children) {
  element.replaceChildren(...present(children));
  return element;
}

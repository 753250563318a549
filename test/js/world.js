// The scripted platform of test/browser/fake_world.js, whose imports are addresses of the server, for Node.js.

import * as module from "node:module";

const ASSET = /^\/asset\//;
const project = new URL("../..", import.meta.url);

/** The address of a module: "/asset/…" is in the project's folder. */
export function resolve(specifier, context, next) {
  return next(ASSET.test(specifier) ? new URL(`.${specifier}`, project).href : specifier, context);
}

// The newer way works in this thread; the older one loads this file again in a thread for hooks, which must not go on.
if (module.registerHooks) module.registerHooks({ resolve });
else if (!new URL(import.meta.url).searchParams.has("hooks")) module.register(`${import.meta.url}?hooks`);

const inTests = !new URL(import.meta.url).searchParams.has("hooks");
export const { World, settled, text, texts, dice, folded } = inTests ? await import("../browser/fake_world.js") : {};

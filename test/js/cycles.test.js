// No module imports itself over others, not for types either, and the client imports nothing of the page.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path/posix";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const SCRIPTS = fileURLToPath(new URL("../../asset/js/", import.meta.url));
// An import, a re-export, import("…") also in a type, or an @import of types.
const IMPORT = /(?:^|[\s*{(@])(?:import|export)\b[^"';]*?["'](\.\.?\/[^"']+)["']/gm;

/** The modules that each module imports, by its path below `asset/js`. */
async function imports() {
  const names = await readdir(SCRIPTS, { recursive: true });
  const graph = new Map();
  for (const name of names.filter((one) => one.endsWith(".js"))) {
    const found = [...(await readFile(SCRIPTS + name, "utf8")).matchAll(IMPORT)];
    graph.set(name, new Set(found.map(([, other]) => join(name, "..", other))));
  }
  return graph;
}

/** A path that leads from a module back to itself; null when there is none. */
function cycleIn(graph) {
  const done = new Set();
  const visit = (name, path) => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return null;
    for (const other of graph.get(name) ?? []) {
      const cycle = visit(other, [...path, name]);
      if (cycle) return cycle;
    }
    done.add(name);
    return null;
  };
  for (const name of graph.keys()) {
    const cycle = visit(name, []);
    if (cycle) return cycle;
  }
  return null;
}

test("every import names a file that is there, and none leads back", async () => {
  const graph = await imports();
  assert.ok(graph.get("im/client.js").has("im/types.js") && graph.get("im/index.js").has("im/client.js"));
  for (const [name, others] of graph) for (const other of others) assert.ok(graph.has(other), `${name}: ${other}`);
  assert.equal(cycleIn(graph)?.join(" → "), undefined);
});

test("a cycle is found", () => {
  const graph = new Map([["a", ["b", "d"]], ["b", ["c"]], ["c", ["b"]], ["d", []]]);
  assert.deepEqual(cycleIn(graph), ["b", "c", "b"]);
});

test("the client imports nothing of the page", async () => {
  for (const [name, others] of await imports()) {
    if (name.startsWith("im/")) for (const other of others) assert.match(other, /^im\//, name);
  }
});

// The npm package as others get it: packed, installed in a folder of its own, typed, and talking to a real server.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { PROJECT, RunningServer, registered } from "./running_server.js";

const run = promisify(execFile);
const CLIENT = join(PROJECT, "asset/js/im");
const server = new RunningServer();
let folder;
let packed;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "twim-client-"));
  const done = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: CLIENT });
  [packed] = JSON.parse(done.stdout.slice(done.stdout.indexOf("[")));
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "a-host", private: true, type: "module" }));
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", join(folder, packed.filename)], { cwd: folder });
  await server.start();
});

after(async () => {
  await server.remove();
  await rm(folder, { recursive: true });
});

/** What a program of the host writes, run by this Node.js. */
async function output(text, ...options) {
  await writeFile(join(folder, "host.js"), text);
  const { stdout } = await run(process.execPath, [...options, "host.js"], { cwd: folder, timeout: 60_000 });
  return stdout.trim();
}

test("the package has every module with its declarations, and nothing else", async () => {
  const files = packed.files.map(({ path }) => path);
  const modules = (await readdir(CLIENT)).filter((name) => name.endsWith(".js"));
  const wanted = modules.flatMap((name) => [name, `declarations/${name.replace(/\.js$/, ".d.ts")}`]);
  assert.ok(modules.includes("client.js"));
  assert.deepEqual(files.sort(), [...wanted, "README.md", "package.json"].sort());
  assert.ok(!(await readdir(CLIENT)).includes("declarations"), "nothing is left in the tree");
});

test("its version is the server's", async () => {
  const setup = await readFile(join(PROJECT, "setup.cfg"), "utf-8");
  assert.equal(packed.version, /^version = (\S+)$/m.exec(setup)[1]);
});

test("its README's program sends a message, with a WebSocket that is given", async () => {
  await registered(server.base, "13700000001");
  const readme = await readFile(join(CLIENT, "README.md"), "utf-8");
  const [, example] = /```js\n([^]*?)```/.exec(readme);
  const program = example
    .replace("https://chat.example", server.base)
    .replace("token: user.token }", "token: user.token, WebSocket: given }");
  const given = "const given = globalThis.WebSocket; delete globalThis.WebSocket;\n";
  const end = 'client.on("message", () => setTimeout(() => process.exit(), 0));\n';
  assert.notEqual(program, example);
  const said = await output(program.replace("client.start()", `${end}client.start()`).replace("const base", `${given}const base`),
    "--experimental-websocket", "--no-warnings");
  assert.match(said, /^[1-9]\d* hello$/);
});

test("without a WebSocket, and without a server's address, it says what is missing", async () => {
  const said = await output(`
    import { Client } from "twim-client";
    const WebSocket = class {};
    for (const options of [{ base: "http://127.0.0.1:1" }, { WebSocket }]) {
      try { new Client({ user: { id: 1 }, token: "a", ...options }); } catch (error) { console.log(error.message); }
    }`, ...(Number(process.versions.node.split(".")[0]) > 20 ? ["--no-experimental-websocket"] : []));
  assert.match(said, /^there is no WebSocket here: give one.*\nbase: the address of the server/);
});

test("its declarations type what a host writes, for bundlers and for Node.js", async () => {
  await writeFile(join(folder, "host.ts"), `
    import { CMD, Client, MEDIA, Refused, Rest } from "twim-client";
    const client = new Client({ base: "https://chat.example", user: { id: 1 }, token: "a" });
    client.on("message", (conversation, message) => console.log(conversation.unread + message.userid, message.content));
    const cid: string = client.send(CMD.GROUP, 2, { media: MEDIA.TEXT, content: "hello" });
    const rest: Rest = client.rest;
    // @ts-expect-error there is no such event
    client.on("massage", () => null);
    // @ts-expect-error a user has a number
    new Client({ user: {} });
    export { Refused, cid, rest };`);
  const tsc = join(PROJECT, "node_modules/.bin/tsc");
  for (const how of [["esnext", "bundler"], ["nodenext", "nodenext"]]) {
    const options = ["--noEmit", "--strict", "--target", "es2023", "--lib", "es2023,dom,dom.iterable", "--types", ""];
    const types = ["--module", how[0], "--moduleResolution", how[1], "--skipLibCheck", "false"];
    await run(tsc, [...options, ...types, "host.ts"], { cwd: folder }).catch(({ stdout }) => assert.fail(stdout));
  }
});

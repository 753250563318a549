// A `twistd im` of a test's own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { Rest } from "../../asset/js/im/index.js";

export const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const PYTHON = join(PROJECT, ".venv/bin/python");
const TWISTD = "import sys; sys.argv[0] = 'twistd'; from twisted.scripts.twistd import run; run()";
const PATIENCE = 30_000; // ms for anything that must happen, on a busy machine

export async function until(happened, what) {
  for (const end = Date.now() + PATIENCE; !(await happened());) {
    assert.ok(Date.now() < end, `in time: ${what}`);
    await sleep(20);
  }
}

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const found = probe.address().port;
  probe.close();
  await once(probe, "close");
  return found;
}

/** One server on a port and in a folder of its own, which it keeps while it is stopped. */
export class RunningServer {
  #folder; #port; #process;

  get base() { return `http://127.0.0.1:${this.#port}`; }

  async start() {
    this.#folder ??= await mkdtemp(join(tmpdir(), "twim-"));
    this.#port ??= await freePort();
    const data = join(this.#folder, "im-data");
    const options = ["--port", `tcp:${this.#port}:interface=127.0.0.1`, "--data", data, "--limits", "off"];
    const command = ["-c", TWISTD, "-n", "--pidfile=", "im", ...options];
    this.#process = spawn(PYTHON, command, { cwd: PROJECT, stdio: ["ignore", "ignore", "inherit"] });
    await until(() => new Rest({ base: this.base }).settings().catch(() => null), "the server answers");
  }

  async stop() {
    const ended = once(this.#process, "exit");
    process.kill(this.#process.pid, "SIGTERM");
    await ended;
  }

  /** Stops it and removes its folder. */
  async remove() {
    await this.stop();
    await rm(this.#folder, { recursive: true });
  }
}

/** Somebody who is registered, with their token. */
export function registered(base, mobile) {
  return new Rest({ base }).data("/user/register", { mobile, passwd: "secret-words", nickname: mobile });
}

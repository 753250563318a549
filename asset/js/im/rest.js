// The REST half of the protocol: every call answers with `data`, `rows` or throws a Refused.

import { toServer, toStore } from "./upload.js";

const PATIENCE = 20_000; // ms until a call that isn't answered counts as failed

/** The server said no (`status`, `code`, `message`), or there was no server (`status` 0). */
export class Refused extends Error {
  constructor(message, { code = -1, status = 0 } = {}) {
    super(message);
    this.code = code;
    this.status = status;
  }
  get loggedOut() { return this.status === 401; }
}

export class Rest {
  #base; #token; #direct; #fetch;

  /**
   * `base` is the server's origin ("" for the page's own), `token` is needed where the cookie isn't sent. With `direct`
   * files go to the object store behind the server, which must allow it (`--files s3://…&direct=on`).
   */
  constructor({ base = "", token = null, direct = false, fetch }) {
    this.#base = base;
    this.#token = token;
    this.#direct = direct;
    this.#fetch = fetch;
  }

  /** The whole envelope of a POST to `path` with the fields that aren't null. */
  async call(path, fields = {}) {
    const body = new URLSearchParams();
    for (const [name, value] of Object.entries(fields)) if ((value ?? null) !== null) body.set(name, value);
    let response;
    try {
      response = await this.#fetch(this.address(path), {
        method: "POST", body, headers: this.headers(), credentials: "same-origin",
        signal: AbortSignal.timeout(PATIENCE),
      });
    } catch {
      throw new Refused("no connection");
    }
    return unwrap(response.status, await response.text());
  }

  async data(path, fields) { return (await this.call(path, fields)).data; }
  async rows(path, fields) { return (await this.call(path, fields)).rows ?? []; }

  address(path) { return this.#base + path; }
  headers() { return this.#token ? { Authorization: `Bearer ${this.#token}` } : {}; }

  /**
   * Uploads a File or Blob; answers `{url, name?, width?, height?, thumb?, type?}`. `progress` is called with 0…1,
   * `signal` (AbortSignal) gives up. A store that refuses or can't be reached is made up for by the server, from then
   * on without trying it: each try may cost the whole file's way.
   */
  async upload(file, { name = "file", filetype = "", progress = () => {}, signal = null } = {}) {
    const how = { name, filetype, progress, signal };
    if (!this.#direct) return toServer(this, file, how);
    try {
      return await toStore(this, file, how);
    } catch (error) {
      if (error.name === "AbortError" || error.loggedOut || error.status === 413) throw error;
      const kept = await toServer(this, file, how);
      this.#direct = false; // not before: where the server fails too it may have been this browser's network
      return kept;
    }
  }
}

/** The envelope of an answer, if it is a success. */
export function unwrap(status, text) {
  let envelope;
  try {
    envelope = JSON.parse(text);
  } catch {
    throw new Refused(status === 413 ? "too large" : `answer ${status}`, { status });
  }
  if (envelope?.code !== 0) throw new Refused(envelope?.msg || `answer ${status}`, { code: envelope?.code, status });
  return envelope;
}

// The REST half of the protocol: every call answers with `data`, `rows` or throws a Refused.

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
  #base; #token; #fetch;

  /** `base` is the server's origin ("" for the page's own), `token` is needed where the cookie isn't sent. */
  constructor({ base = "", token = null, fetch }) {
    this.#base = base;
    this.#token = token;
    this.#fetch = fetch;
  }

  /** The whole envelope of a POST to `path` with the fields that aren't null. */
  async call(path, fields = {}) {
    const body = new URLSearchParams();
    for (const [name, value] of Object.entries(fields)) if (value !== undefined && value !== null) body.set(name, value);
    let response;
    try {
      response = await this.#fetch(this.#base + path, {
        method: "POST", body, headers: this.headers(), credentials: "same-origin", signal: AbortSignal.timeout(PATIENCE),
      });
    } catch {
      throw new Refused("no connection");
    }
    return unwrap(response.status, await response.text());
  }

  async data(path, fields) { return (await this.call(path, fields)).data; }
  async rows(path, fields) { return (await this.call(path, fields)).rows ?? []; }

  headers() { return this.#token ? { Authorization: `Bearer ${this.#token}` } : {}; }

  /**
   * Uploads a File or Blob; answers `{url, name?, width?, height?, thumb?, type?}`. `progress` is called with 0…1.
   * XMLHttpRequest, as fetch can't tell how far an upload is. `signal` (AbortSignal) gives up.
   */
  upload(file, { name = "file", filetype = "", progress = () => {}, signal = null } = {}) {
    const form = new FormData();
    if (filetype) form.append("filetype", filetype);
    form.append("file", file, name);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", `${this.#base}/attach/upload`);
      for (const [header, value] of Object.entries(this.headers())) request.setRequestHeader(header, value);
      request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
      request.onerror = () => reject(new Refused("no connection"));
      request.onabort = () => reject(new DOMException("given up", "AbortError"));
      request.onload = () => {
        try {
          const { code, msg, data, ...more } = unwrap(request.status, request.responseText);
          resolve({ ...more, url: data });
        } catch (error) {
          reject(error);
        }
      };
      signal?.addEventListener("abort", () => request.abort(), { once: true });
      request.send(form);
    });
  }
}

function unwrap(status, text) {
  let envelope;
  try {
    envelope = JSON.parse(text);
  } catch {
    throw new Refused(status === 413 ? "too large" : `answer ${status}`, { status });
  }
  if (envelope?.code !== 0) throw new Refused(envelope?.msg || `answer ${status}`, { code: envelope?.code, status });
  return envelope;
}

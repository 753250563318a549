// The HTTP half of the protocol, with uploads.

import { Requests } from "./requests.js";
import { Refused, endsLogin } from "./refused.js";
import { isPicture, toServer, toStore } from "./upload.js";

/** @import { RequestOptions } from "./requests.js" */
/** @import { DataOf, Fields, ItemOf, Uploaded, UploadOptions } from "./types.js" */

/** Every method throws a Refused when the server refuses or can't be reached. */
export class Rest extends Requests {
  #direct;

  /**
   * With `direct`, files but pictures go directly to the object store of the server, which must allow it
   * (`--files s3://…&direct=on`).
   * @param {RequestOptions & { direct?: boolean }} options
   */
  constructor({ direct = false, ...options }) {
    super(options);
    this.#direct = direct;
  }

  /**
   * The `data` of the answer.
   * @template {string} Path
   * @param {Path} path
   * @param {Fields} [fields]
   * @returns {Promise<DataOf<Path>>}
   */
  async data(path, fields) { return (await this.call(path, fields)).data; }

  /**
   * The `rows` of the answer.
   * @template {string} Path
   * @param {Path} path
   * @param {Fields} [fields]
   * @returns {Promise<ItemOf<Path>[]>}
   */
  async rows(path, fields) { return (await this.call(path, fields)).rows ?? []; }

  /** What the server allows and is called. */
  async settings() { return (await this.call("/settings", {}, "GET")).data; }

  /**
   * Uploads a file. What the object store refuses, or can't be reached for, goes to the server instead, and so do all
   * later files: each attempt may cost the time to transfer a whole file. Throws an AbortError when `signal` gives up.
   * @param {Blob} file
   * @param {UploadOptions} [options]
   * @returns {Promise<Uploaded>}
   */
  async upload(file, { name = "file", filetype = "", progress = () => {}, signal = null } = {}) {
    this.throwIfEnded();
    const how = { name, filetype, progress, signal };
    if (!this.#direct || await isPicture(file)) return toServer(this, file, how);
    try {
      return await toStore(this, file, how);
    } catch (error) {
      if (isFinal(error)) throw error;
      const kept = await toServer(this, file, how);
      this.#direct = false; // not before: if the server fails too, the cause may have been this browser's network
      return kept;
    }
  }
}

/**
 * Whether an upload that failed at the store would fail at the server too.
 * @param {unknown} error
 */
function isFinal(error) {
  if (error instanceof Refused) return error.status === 413 || endsLogin(error);
  return error instanceof Error && error.name === "AbortError";
}

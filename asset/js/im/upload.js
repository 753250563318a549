// The transfer of a file to the server, or directly to its object store.

import { Refused } from "./refused.js";

/** @import { Requests } from "./requests.js" */
/** @import { Uploaded, UploadOptions } from "./types.js" */

/**
 * @typedef {object} Transfer
 * @property {string} method
 * @property {string} url
 * @property {Record<string, string>} headers
 * @property {XMLHttpRequestBodyInit} body
 * @property {(part: number) => void} progress called with 0 to 1
 * @property {(AbortSignal | null)[]} signals each aborts it
 */

/**
 * Sends through XMLHttpRequest, as fetch can't tell how far an upload is.
 * @param {Transfer} transfer
 * @returns {Promise<{ status: number, text: string }>}
 */
function transfer({ method, url, headers, body, progress, signals }) {
  return new Promise((resolve, reject) => {
    signals.forEach((signal) => signal?.throwIfAborted()); // given up before there was a request to abort
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => resolve({ status: request.status, text: request.responseText });
    request.onerror = () => reject(new Refused("no connection"));
    request.onabort = () => reject(new DOMException("given up", "AbortError"));
    const giveUp = () => request.abort();
    for (const signal of signals) signal?.addEventListener("abort", giveUp);
    // A signal may outlive the upload, and would keep its file in memory.
    request.onloadend = () => signals.forEach((signal) => signal?.removeEventListener("abort", giveUp));
    request.send(body);
  });
}

/**
 * To the server: `POST /attach/upload`.
 * @param {Requests} requests
 * @param {Blob} file
 * @param {Required<UploadOptions>} options
 * @returns {Promise<Uploaded>}
 */
export async function toServer(requests, file, { name, filetype, progress, signal }) {
  const body = new FormData();
  if (filetype) body.append("filetype", filetype);
  body.append("file", file, name);
  const url = requests.address("/attach/upload");
  const signals = [signal, requests.ending];
  const headers = requests.headers();
  const { status, text } = await transfer({ method: "POST", url, headers, body, progress, signals });
  const { code, msg, data, ...more } = requests.opened(status, text);
  return { ...more, url: /** @type {string} */ (data) };
}

/**
 * To the object store, by a request that the server signed for this one file.
 * @param {Requests} requests
 * @param {Blob} file
 * @param {Required<UploadOptions>} options
 * @returns {Promise<Uploaded>}
 */
export async function toStore(requests, file, { name, progress, signal }) {
  const type = file.type || "application/octet-stream";
  const signed = await requests.call("/attach/presign", { size: file.size, type, name });
  const { url, method, headers, data } = signed;
  const signals = [signal, requests.ending];
  const { status } = await transfer({ method, url, headers: settable(headers), body: file, progress, signals });
  if (status < 200 || status > 299) throw new Refused(`answer ${status}`, { status });
  return { url: data };
}

const PICTURES = [ // how their files begin: GIF, JPEG, PNG, WebP, JPEG XL, TIFF; AVIF and HEIC from their fifth byte on
  /^GIF8/, /^\xff\xd8\xff/, /^\x89PNG/, /^RIFF....WEBP/s, /^\xff\n/, /^\0\0\0\fJXL /, /^II\*\0/, /^MM\0\*/,
  /^....ftyp(avi[fs]|he[iv][a-z]|m[is]f[12]|miaf)/s,
];

/**
 * Whether `file` is a picture, by the type that its browser gives or by its first bytes. Pictures contain where and
 * with which camera they were taken. The server removes that; an object store doesn't.
 * @param {Blob} file
 */
export async function isPicture(file) {
  if (/^image\//i.test(file.type)) return true;
  const head = String.fromCharCode(...new Uint8Array(await file.slice(0, 16).arrayBuffer()));
  return PICTURES.some((beginning) => beginning.test(head));
}

/**
 * The headers without those that browsers set themselves and let no script set.
 * @param {Record<string, string>} headers
 */
function settable(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(host|content-length)$/i.test(name)));
}

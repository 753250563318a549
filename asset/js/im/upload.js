// Files on their way to the server, or to the object store behind it.

import { Refused, unwrap } from "./rest.js";

/** Sends through XMLHttpRequest, as fetch can't tell how far an upload is; resolves to `{status, text}`. */
function transfer({ method, url, headers = {}, body, progress, signal }) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted(); // given up before there was a request to abort
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => resolve({ status: request.status, text: request.responseText });
    request.onerror = () => reject(new Refused("no connection"));
    request.onabort = () => reject(new DOMException("given up", "AbortError"));
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

/** To the server: `POST /attach/upload`. Resolves to `{url, name?, width?, height?, thumb?, type?}`. */
export async function toServer(rest, file, { name, filetype, progress, signal }) {
  const body = new FormData();
  if (filetype) body.append("filetype", filetype);
  body.append("file", file, name);
  const url = rest.address("/attach/upload");
  const { status, text } = await transfer({ method: "POST", url, headers: rest.headers(), body, progress, signal });
  const { code, msg, data, ...more } = unwrap(status, text);
  return { ...more, url: data };
}

/** To the object store, by a request that the server signed for this one file. Resolves to `{url}`. */
export async function toStore(rest, file, { name, progress, signal }) {
  const type = file.type || "application/octet-stream";
  const signed = await rest.call("/attach/presign", { size: file.size, type, name });
  const { url, method, headers, data } = signed;
  const { status } = await transfer({ method, url, headers: settable(headers), body: file, progress, signal });
  if (status < 200 || status > 299) throw new Refused(`answer ${status}`, { status });
  return { url: data };
}

/** Browsers set these themselves and let no script do it. */
function settable(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(host|content-length)$/i.test(name)));
}

// What a paste or a drop brings.

/**
 * What is to be taken of a DataTransfer: a text where there is one, else its files. Folders are told by `folders`.
 * @param {DataTransfer} transfer
 * @returns {{ text: string, files: File[], folders: boolean }}
 */
export function brought(transfer) {
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  /** @param {DataTransferItem} item */
  const isFolder = (item) => Boolean(item.webkitGetAsEntry?.()?.isDirectory);
  const folders = items.some(isFolder);
  const files = folders ? items.flatMap((item) => (isFolder(item) ? [] : item.getAsFile() ?? [])) : [...transfer.files];
  const text = transfer.getData("text/plain");
  // Text that only names the files comes along when files are copied: it isn't meant.
  return text.trim() && !namesOf(text, transfer) ? { text, files: [], folders: false } : { text: "", files, folders };
}

/**
 * @param {string} text
 * @param {DataTransfer} transfer
 */
function namesOf(text, { files, types }) {
  if (!files.length) return false;
  const names = new Set([...files].map(({ name }) => name));
  const lines = text.trim().split(/\r?\n/u);
  /** @param {string} line */
  const isName = (line) => names.has(line) || names.has(lastOf(line));
  // A picture dragged out of a page comes with its address, as a link and as text.
  return lines.every(isName) || (types.includes("text/uri-list") && /^\S+$/u.test(text.trim()) && /^[a-z]+:/iu.test(text));
}

/** @param {string} path */
function lastOf(path) {
  const last = path.split(/[\\/]/u).at(-1) ?? "";
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

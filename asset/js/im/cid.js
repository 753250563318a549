/**
 * A new id for a message: 128 random bits in hexadecimal. The server keeps it with the message, so that what is sent
 * twice is stored once. Not crypto.randomUUID: browsers hide that from pages without TLS, and a LAN has none.
 */
export function newCid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

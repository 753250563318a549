/**
 * A new id for a message: 128 random bits in hexadecimal. The server stores it with the message, so that a message that
 * is sent twice is stored once. Not crypto.randomUUID, which browsers don't offer to pages without TLS.
 */
export function newCid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

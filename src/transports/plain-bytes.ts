// Chunks are handed on as plain bytes. The `slice` of a Node Buffer is no copy but a view, so a receiver that copies what it
// keeps, as it must, would keep a buffer that is used again.

/** The same bytes, as what their type says. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

// Comparing and hashing runs of bytes.

/** FNV-1a, folded. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  return hash ^ (hash >>> 15);
}

/** Whether the known bytes, from one of them on, stand at `at`; there are at least as many. */
export function sameBytes(known: Uint8Array, bytes: Uint8Array, at: number, from = 0): boolean {
  at -= from;
  for (let i = from; i < known.length; i++) if (known[i] !== bytes[at + i]) return false;
  return true;
}

// Floats of 64 bits, big-endian, without a DataView for every buffer they are in.

const float = new Float64Array(1);
const bytes = new Uint8Array(float.buffer);
// Where byte 0 of the big-endian form is in this machine's.
const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Reads eight bytes. */
export function readFloat(source: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) bytes[littleEndian ? 7 - i : i] = source[at + i] ?? 0;
  return float[0] ?? 0;
}

/** Writes eight bytes. */
export function writeFloat(value: number, target: Uint8Array, at: number): void {
  float[0] = value;
  for (let i = 0; i < 8; i++) target[at + i] = bytes[littleEndian ? 7 - i : i] ?? 0;
}

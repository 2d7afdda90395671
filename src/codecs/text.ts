// Bytes to text and back, and where a byte is, by the fastest means at hand: Node's Buffer methods work on any Uint8Array
// and cost a fraction of what is standard; browsers have the latter. Nothing here checks for valid UTF-8.

interface NativeText {
  readonly utf8Slice: (this: Uint8Array, start: number, end: number) => string;
  readonly utf8Write: (this: Uint8Array, text: string, start: number, length: number) => number;
  readonly indexOf: (this: Uint8Array, byte: number, from: number) => number;
}

function isNativeText(prototype: object): prototype is NativeText {
  return ['utf8Slice', 'utf8Write', 'indexOf'].every((name) => typeof Reflect.get(prototype, name) === 'function');
}

function findNative(): NativeText | undefined {
  // A polyfilled Buffer without these methods is of no use.
  if (typeof Buffer !== 'function') return undefined;
  const prototype: unknown = Buffer.prototype;
  return typeof prototype === 'object' && prototype !== null && isNativeText(prototype) ? prototype : undefined;
}

const native = findNative();
const nativeUtf8Slice = native?.utf8Slice;
const nativeUtf8Write = native?.utf8Write;
// 10 ns for the zero byte that ends a message of 128 bytes, where Uint8Array's own takes 70.
const nativeIndexOf = native?.indexOf;

// A byte order mark is a character like any other here; without this option it would vanish.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** Decodes valid UTF-8. */
export function utf8Text(bytes: Uint8Array, start: number, end: number): string {
  if (nativeUtf8Slice !== undefined) return nativeUtf8Slice.call(bytes, start, end);
  return decoder.decode(bytes.subarray(start, end));
}

/** Most bytes that `writeUtf8` can need. Long texts are measured, so that a sink does not have to hold three times their size. */
export function utf8Bound(text: string): number {
  if (text.length <= 4096) return text.length * 3;
  return nativeUtf8Write === undefined ? text.length * 3 : Buffer.byteLength(text, 'utf8');
}

/**
 * Writes a text at a position that has room for `utf8Bound(text)` bytes.
 * @returns the number of bytes written.
 */
export function writeUtf8(text: string, target: Uint8Array, at: number): number {
  if (nativeUtf8Write !== undefined) return nativeUtf8Write.call(target, text, at, target.length - at);
  return encoder.encodeInto(text, target.subarray(at)).written;
}

/** The text as bytes of its own. */
export function utf8Bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Where a byte comes first, from a position on; -1 when nowhere. */
export function findByte(bytes: Uint8Array, byte: number, from: number): number {
  return nativeIndexOf !== undefined ? nativeIndexOf.call(bytes, byte, from) : bytes.indexOf(byte, from);
}

// What an object becomes in msgpack (docs/protocol.md#values): the one place that decides, for programs and for pages. A library
// writes what it finds useful, and not always what a reader takes (docs/decisions/013-msgpack-encoder.md).

/**
 * What to write instead of an object: a `Uint8Array`, a valid `Date`, an array, an object for its members, or a value that is none.
 * @param asks - whether a `toJSON` decides. What one returns is not asked again.
 * @throws {TypeError} a key of a Map that cannot be a text.
 * @throws what a `toJSON` throws.
 */
export function formOf(value: object, asks = true): unknown {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value;
  const toJson: unknown = asks && Reflect.get(value, 'toJSON');
  if (typeof toJson === 'function') {
    const instead: unknown = Reflect.apply(toJson, value, []);
    return typeof instead === 'object' && instead !== null ? formOf(instead, false) : instead;
  }
  if (value instanceof Map) return Object.fromEntries(Array.from(value, textKey));
  if (value instanceof Set) return [...value];
  const isBoxed = [Number, String, Boolean, BigInt].some((type) => value instanceof type);
  return isBoxed ? value.valueOf() : value;
}

/** A Map is an object, whose keys are texts: of two that are the same text, the last one counts. */
function textKey([key, value]: [unknown, unknown]): [string, unknown] {
  if (Object(key) === key || typeof key === 'symbol') throw new TypeError('a key of a Map that is no text');
  return [String(key), value];
}

// The table of docs/protocol.md#values in words of its own, to compare the codecs with, and bodies to compare them on.

import { fc } from '../../support/fast-check.js';

export class Point {
  x = 1;
  #secret = 2;
  get secret() {
    return this.#secret;
  }
}

/** What JSON has no form for, and leaves out. */
const NOTHING = Symbol('nothing');

/** What a subscriber finds that reads JSON. */
export const inJson = (value: unknown): unknown => orNull(asJson(value));
/** What a subscriber finds that reads msgpack. */
export const inMsgpack = (value: unknown): unknown => asMsgpack(value);

function asJson(value: unknown, asks = true): unknown {
  switch (typeof value) {
    case 'undefined':
    case 'function':
    case 'symbol':
      return NOTHING;
    case 'number':
      return Number.isFinite(value) ? value + 0 : null;
    case 'bigint':
      return Number(value);
    case 'object':
      break;
    default:
      return value;
  }
  if (value === null) return null;
  const binary = bytesOf(value);
  if (binary !== undefined) return Buffer.from(binary).toString('base64');
  if (asks && 'toJSON' in value && typeof value.toJSON === 'function') return asJson(value.toJSON(), false);
  if (Array.isArray(value)) return value.map((item) => orNull(asJson(item)));
  if (isBoxed(value)) return asJson(value.valueOf());
  return members(Object.entries(value).map(([key, member]) => [key, asJson(member)]));
}

function asMsgpack(value: unknown, asks = true): unknown {
  switch (typeof value) {
    case 'undefined':
    case 'function':
    case 'symbol':
      return null;
    case 'string':
      return wellFormed(value);
    case 'number':
      return value + 0;
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    case 'object':
      break;
    default:
      return value;
  }
  if (value === null) return null;
  const binary = bytesOf(value);
  if (binary !== undefined) return Uint8Array.from(binary);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : new Date(value);
  if (asks && 'toJSON' in value && typeof value.toJSON === 'function') return asMsgpack(value.toJSON(), false);
  if (Array.isArray(value) || value instanceof Set) return [...value].map((item) => asMsgpack(item));
  if (isBoxed(value)) return asMsgpack(value.valueOf());
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return members(entries.map(([key, member]) => [String(key), asMsgpack(member)]));
}

const orNull = (value: unknown): unknown => (value === NOTHING ? null : value);
const members = (entries: [string, unknown][]): object =>
  Object.fromEntries(entries.filter(([, member]) => member !== NOTHING));
const isBoxed = (value: object): boolean =>
  /^\[object (Number|String|Boolean)\]$/.test(Object.prototype.toString.call(value));
const wellFormed = (text: string): string =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(text));

function bytesOf(value: object): Uint8Array | undefined {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : undefined;
}

const textKey = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string()).filter((text) => !text.startsWith('__proto_'));
/** A body: all kinds of values, and values of all kinds inside. */
export const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'binary' }),
    fc.string({ minLength: 20, maxLength: 300 }),
    fc.constantFrom('half \ud800', '\udfff', '\u0000', '\ufeff'),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.bigInt({ min: -(2n ** 53n) + 1n, max: 2n ** 53n - 1n }),
    fc.uint8Array(),
    fc.float64Array({ maxLength: 8 }),
    fc.int16Array({ maxLength: 300 }),
    fc.date(),
    fc.constantFrom<unknown>(
      null,
      true,
      false,
      -0,
      NaN,
      new Date(NaN),
      Object(5),
      Object('x'),
      Object(true),
      /x/,
      new Point(),
    ),
    tie('inside').map((item) => [item]),
    fc.array(tie('inside'), { maxLength: 20 }),
    fc.dictionary(textKey, tie('inside'), { maxKeys: 20 }),
    fc.array(tie('inside'), { maxLength: 5 }).map((items) => new Set(items)),
    fc
      .array(fc.tuple(fc.oneof(textKey, fc.double(), fc.bigInt(), fc.boolean(), fc.constant(null)), tie('inside')), {
        maxLength: 5,
      })
      .map((entries) => new Map<unknown, unknown>(entries)),
    fc.jsonValue({ maxDepth: 2 }).map((value) => ({ toJSON: () => value })),
  ),
  inside: fc.oneof(
    { weight: 9, arbitrary: tie('value') },
    { weight: 1, arbitrary: fc.constantFrom<unknown>(undefined, () => 1, Symbol('s'), Point) },
  ),
})).value;

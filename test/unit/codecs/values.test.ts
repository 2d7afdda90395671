// The value domain (docs/protocol.md#values), held against all codecs: what a publisher may put into a body, and what a subscriber
// of each format makes of it, whether it came that way or through a broker from the other format.

import { describe, expect, it, test } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { Transcoder } from '../../../src/broker/transcoder.js';
import * as node from '../../../src/codecs/index.js';
import * as small from '../../../src/codecs/small/index.js';
import type { ClientCodec, Codec, HeadView } from '../../../src/contracts/index.js';
import { withDefaults } from '../../../src/contracts/index.js';
import { BlockSink } from '../../../src/link/block-sink.js';
import { anything, inJson, inMsgpack, Point } from './naive-values.js';

const LIMITS = withDefaults();
const json = { name: 'json', programs: new node.JsonCodec(), pages: new small.JsonCodec() };
const msgpack = { name: 'msgpack', programs: new node.MsgpackCodec(), pages: new small.MsgpackCodec() };
const transcoder = new Transcoder([json.programs, msgpack.programs], LIMITS);

function write(codec: ClientCodec, body: unknown): Uint8Array {
  const sink = new BlockSink();
  return sink.copyLast(codec.encode({ channel: 'a' }, body, sink));
}

/** Throws what the reader refuses it with. */
function read<V extends HeadView, T>(codec: ClientCodec<V>, frame: Uint8Array, use: (view: V) => T): T {
  const results: T[] = [];
  const reader = codec.createReader(LIMITS);
  codec.framing.createDeframer(LIMITS.messageBytes).push(frame, {
    frame: (bytes, start, end) => void results.push(use(reader.read(bytes, start, end))),
    refused(error) {
      throw error;
    },
  });
  expect(results).toHaveLength(1);
  return results[0] as T;
}

const decode = (codec: ClientCodec, frame: Uint8Array): unknown => read(codec, frame, (view) => codec.decodeBody(view));

/** As a broker does for a receiver of the other format. */
function translate(from: Codec, to: Codec, frame: Uint8Array): Uint8Array {
  const sink = new BlockSink();
  return sink.copyLast(read(from, frame, (view) => transcoder.live(view, 1, from, to, sink)));
}

const REFUSED = Symbol('NOT_ENCODABLE');
const bytes = Uint8Array.of(0xfb, 0xff, 0, 1);
const big = 12345678901234567890n;
class Registry extends Map<string, number> {}

/** The table of docs/protocol.md#values, and what it means. */
const TABLE: readonly (readonly [what: string, value: unknown, asJson: unknown, asMsgpack: unknown])[] = [
  ['null', null, null, null],
  ['a boolean', true, true, true],
  ['a text', 'Grüße 😀', 'Grüße 😀', 'Grüße 😀'],
  ['a text with half of a pair', 'a\ud800', 'a\ud800', 'a\ufffd'],
  ['an array', [1, 'x'], [1, 'x'], [1, 'x']],
  ['an array with holes', [1, ...Array<number>(1), 3], [1, null, 3], [1, null, 3]],
  ['an object', { a: { b: [] } }, { a: { b: [] } }, { a: { b: [] } }],
  ['an undefined member', { a: 1, b: undefined }, { a: 1 }, { a: 1, b: null }],
  ['an object of a class', new Point(), { x: 1 }, { x: 1 }],
  ['an object without a prototype', { __proto__: null, a: 1 }, { a: 1 }, { a: 1 }],
  ['an object with a member `constructor`', { constructor: Array, a: 1 }, { a: 1 }, { constructor: null, a: 1 }],
  ['an error', new Error('text'), {}, {}],
  ['a regular expression', /x/g, {}, {}],
  ['a promise', Promise.resolve(1), {}, {}],
  ['a number', -1.5, -1.5, -1.5],
  ['minus zero', -0, 0, 0],
  ['NaN', NaN, null, NaN],
  ['an infinity', [-Infinity], [null], [-Infinity]],
  ['a big number', 2 ** 60, 2 ** 60, 2 ** 60],
  ['a number in an object', Object(5), 5, 5],
  ['a text in an object', { text: Object('ab') }, { text: 'ab' }, { text: 'ab' }],
  ['a truth value in an object', [Object(false)], [false], [false]],
  ['a bigint that a number can hold', -5n, -5, -5],
  ['undefined', undefined, null, null],
  ['undefined in an array', [undefined], [null], [null]],
  ['a date', new Date(1.5e12 + 1), '2017-07-14T02:40:00.001Z', new Date(1.5e12 + 1)],
  ['a date with a toJSON', Object.assign(new Date(0), { toJSON: () => 'own' }), 'own', new Date(0)],
  ['an invalid date', new Date(NaN), null, null],
  ['an invalid date inside', { at: [new Date(NaN)] }, { at: [null] }, { at: [null] }],
  ['binary data', bytes, '+/8AAQ==', bytes],
  ['binary data of Node', [Buffer.from(bytes)], ['+/8AAQ=='], [bytes]],
  ['binary data in a part of a buffer', { b: Uint8Array.of(9, ...bytes).subarray(1) }, { b: '+/8AAQ==' }, { b: bytes }],
  ['a buffer', bytes.buffer, '+/8AAQ==', bytes],
  ['a view of a buffer', new DataView(bytes.buffer), '+/8AAQ==', bytes],
  ['numbers of 32 bits', new Int32Array(bytes.buffer), '+/8AAQ==', bytes],
  ['a Map', new Map([['a', [1]]]), {}, { a: [1] }],
  ['a Map of a class of its own', new Registry([['a', 1]]), {}, { a: 1 }],
  ['a Map with numbers as keys', [new Map([[1.5, 'x']]).set(-2, 'y')], [{}], [{ '1.5': 'x', '-2': 'y' }]],
  [
    'a Map with other keys',
    new Map<unknown, unknown>([[null, 1]]).set(true, 2).set(3n, 3),
    {},
    { null: 1, true: 2, '3': 3 },
  ],
  ['a Map with a key that is one text twice', new Map<unknown, unknown>([[1, 'a']]).set('1', 'b'), {}, { '1': 'b' }],
  ['a Map with an object as a key', new Map([[{}, 1]]), {}, REFUSED],
  ['a Map with a date as a key', [new Map([[new Date(0), 1]])], [{}], REFUSED],
  ['a Map with a symbol as a key', new Map([[Symbol('s'), 1]]), {}, REFUSED],
  ['a Set', { set: new Set([1, 'x', new Set()]) }, { set: {} }, { set: [1, 'x', []] }],
  ['a WeakMap', new WeakMap(), {}, {}],
  ['what has a toJSON', new URL('http://a.example/'), 'http://a.example/', 'http://a.example/'],
  ['a plain object with a toJSON', { toJSON: () => ({ a: [1] }) }, { a: [1] }, { a: [1] }],
  ['an array with a toJSON', Object.assign([1], { toJSON: () => 'own' }), 'own', 'own'],
  ['a Map with a toJSON', Object.assign(new Map([['a', 1]]), { toJSON: () => [2] }), [2], [2]],
  ['a toJSON that returns nothing', { a: { toJSON: () => undefined } }, {}, { a: null }],
  ['functions', { f: () => 1, list: [() => 1, Point] }, { list: [null, null] }, { f: null, list: [null, null] }],
  ['symbols', { s: Symbol('s'), list: [Symbol('s')] }, { list: [null] }, { s: null, list: [null] }],
  ['symbols as keys', { [Symbol('s')]: 1, a: 1 }, { a: 1 }, { a: 1 }],
  ['a function as the body', () => 1, REFUSED, REFUSED],
  ['a symbol as the body', Symbol('s'), REFUSED, REFUSED],
  ['a cycle', cycle(), REFUSED, REFUSED],
  ['nesting that is too deep', deep(), REFUSED, REFUSED],
  [
    'an error in a getter',
    {
      get x() {
        throw new Error('no');
      },
    },
    REFUSED,
    REFUSED,
  ],
];

function cycle(): unknown {
  const value: unknown[] = [];
  value.push({ a: new Set([value]), b: new Map([['c', value]]), d: value });
  return value;
}

function deep(): unknown {
  let value: unknown = 1;
  for (let i = 0; i < 100_000; i++) value = [value];
  return value;
}

describe.each([json, msgpack])('in $name', ({ name, programs, pages }) => {
  it.each(TABLE)('%s', (_, value, asJson, asMsgpack) => {
    const expected = name === 'json' ? asJson : asMsgpack;
    for (const writer of [programs, pages]) {
      if (expected === REFUSED) {
        expect(() => write(writer, value)).toThrow(
          expect.objectContaining({ code: 'NOT_ENCODABLE', message: expect.stringMatching(/^the message cannot be /) }),
        );
        continue;
      }
      const frame = write(writer, value);
      for (const reader of [programs, pages]) expect(decode(reader, frame)).toEqual(expected);
    }
  });
});

describe('a bigint', () => {
  const raw = typeof Reflect.get(JSON, 'rawJSON') === 'function';

  it('of any size is an integer in JSON; in a page, if the browser can write one', () => {
    expect(Buffer.from(write(json.programs, big)).toString()).toContain('"body": 12345678901234567890}');
    const inPage = () => Buffer.from(write(json.pages, big)).toString();
    if (raw) expect(inPage()).toContain('12345678901234567890');
    else expect(inPage).toThrow(expect.objectContaining({ code: 'NOT_ENCODABLE' }));
  });

  it('of 64 bits is what it was in msgpack, and beyond them it is refused', () => {
    for (const writer of [msgpack.programs, msgpack.pages]) {
      for (const reader of [msgpack.programs, msgpack.pages]) {
        const values = [big, 2n ** 64n - 1n, -(2n ** 63n)];
        expect(decode(reader, write(writer, values))).toEqual(values);
      }
    }
    for (const value of [2n ** 64n, -(2n ** 63n) - 1n]) {
      for (const codec of [msgpack.programs, msgpack.pages]) {
        expect(() => write(codec, [value])).toThrow(expect.objectContaining({ code: 'NOT_ENCODABLE' }));
      }
    }
  });
});

test('a key __proto__ is a key like any other, but in a program that reads msgpack', () => {
  const body: unknown = JSON.parse('{"a": {"__proto__": {"polluted": 1}}}');
  for (const { name, programs, pages } of [json, msgpack]) {
    for (const writer of [programs, pages]) {
      for (const reader of [programs, pages]) {
        const { a } = decode(reader, write(writer, body)) as { a: object };
        const key = name === 'msgpack' && reader === programs ? '__proto_' : '__proto__';
        expect(Object.entries(a)).toEqual([[key, { polluted: 1 }]]);
        expect('polluted' in a).toBe(false);
      }
    }
  }
});

describe('whatever is published', () => {
  it.each([
    { ...json, expected: inJson },
    { ...msgpack, expected: inMsgpack },
  ])(
    'in $name, by a program or a page, both can read, and find what the table says',
    ({ programs, pages, expected }) => {
      fc.assert(
        fc.property(anything, (value) => {
          const wanted = expected(value);
          for (const writer of [programs, pages]) {
            const frame = write(writer, value);
            for (const reader of [programs, pages]) expect(decode(reader, frame)).toEqual(wanted);
          }
        }),
      );
    },
  );

  it('can be translated both ways, for programs and pages', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const wantedInMsgpack = inMsgpack(inJson(value));
        const wantedInJson = inJson(inMsgpack(value));
        for (const side of ['programs', 'pages'] as const) {
          const toMsgpack = translate(json.programs, msgpack.programs, write(json[side], value));
          const toJson = translate(msgpack.programs, json.programs, write(msgpack[side], value));
          for (const reader of ['programs', 'pages'] as const) {
            expect(decode(msgpack[reader], toMsgpack)).toEqual(wantedInMsgpack);
            expect(decode(json[reader], toJson)).toEqual(wantedInJson);
          }
        }
      }),
    );
  });
});

// The codecs of pages beside those of Node: what one writes, the other reads.

import { describe, expect, it, test } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import * as node from '../../../src/codecs/index.js';
import * as small from '../../../src/codecs/small/index.js';
import type { ClientCodec, OutgoingHead } from '../../../src/contracts/index.js';
import { withDefaults } from '../../../src/contracts/index.js';
import { BlockSink } from '../../../src/link/block-sink.js';

function frame(codec: ClientCodec, head: OutgoingHead, body: unknown): Uint8Array {
  const sink = new BlockSink();
  return sink.copyLast(codec.encode(head, body, sink));
}

function readBy(codec: ClientCodec, bytes: Uint8Array) {
  const messages: unknown[] = [];
  const reader = codec.createReader(withDefaults());
  codec.framing.createDeframer(1e7).push(bytes, {
    frame(chunk, start, end) {
      const view = reader.read(chunk, start, end);
      const { head, time } = view;
      const { bounce, persist, channel } = head;
      messages.push({ channel, bounce, persist, time, fields: { ...head.fields() }, body: codec.decodeBody(view) });
    },
    refused(error) {
      throw error;
    },
  });
  expect(messages).toHaveLength(1);
  return messages[0];
}

const json = fc.jsonValue({ maxDepth: 4 });
const inMsgpack = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).filter((n) => !Number.isSafeInteger(Number(n))),
    fc.uint8Array({ maxLength: 70 }),
    fc.date({ noInvalidDate: true }),
    fc.constantFrom(null, true, false, -0, 2 ** 32, 2 ** 31, -(2 ** 31), 2 ** 31 - 1, 255, 256, -129, -33),
    fc.string({ minLength: 250, maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 20 },
    ),
  ),
})).value;
const heads = fc.record(
  {
    channel: fc.constantFrom('a', 'a/b', 'ä/✓', ''),
    time: fc.double({ noDefaultInfinity: true, noNaN: true }),
    persist: fc.boolean(),
    bounce: fc.boolean(),
    fields: fc.dictionary(fc.constantFrom('x', 'y', '1', '__proto__'), json),
  },
  { requiredKeys: ['channel'] },
);

describe.each([
  { name: 'json', there: () => new node.JsonCodec(), here: () => new small.JsonCodec(), bodies: json },
  { name: 'msgpack', there: () => new node.MsgpackCodec(), here: () => new small.MsgpackCodec(), bodies: inMsgpack },
])('the small $name codec', ({ there, here, bodies }) => {
  it('writes what that of Node reads as its own', () => {
    const [big, little] = [there(), here()];
    fc.assert(
      fc.property(heads, bodies, (head, body) => {
        expect(readBy(big, frame(little, head, body))).toEqual(readBy(big, frame(big, head, body)));
      }),
    );
  });

  it('reads what that of Node writes, as that of Node does', () => {
    const [big, little] = [there(), here()];
    fc.assert(
      fc.property(heads, bodies, (head, body) => {
        const bytes = frame(big, head, body);
        expect(readBy(little, bytes)).toEqual(readBy(big, bytes));
      }),
    );
  });

  it('passes on binary data, maps, sets and what has a toJSON as that of Node does', () => {
    const [big, little] = [there(), here()];
    const values = [
      new Uint8Array(70_000).fill(7),
      { part: new Uint8Array([9, 1, 2, 3]).subarray(1) },
      new Uint8Array([1, 2, 3]).buffer,
      new Map([['a', [1]]]),
      new Set([1, 'x']),
      [undefined, () => 1],
      new URL('http://a.example/'),
      [12n, -1n],
    ];
    for (const value of values) {
      expect(readBy(big, frame(little, { channel: 'a' }, value))).toEqual(
        readBy(big, frame(big, { channel: 'a' }, value)),
      );
    }
  });
});

test('a body may have a key __proto__ that harms nobody', () => {
  for (const codec of [new small.JsonCodec(), new small.MsgpackCodec()]) {
    const body: unknown = JSON.parse('{"__proto__": {"polluted": true}}');
    const { body: read } = readBy(codec, frame(codec, { channel: 'a' }, body)) as { body: object };
    expect(Object.keys(read)).toEqual(['__proto__']);
    expect('polluted' in read).toBe(false);
  }
});

test('a date that is none is sent as null', () => {
  for (const codec of [new small.JsonCodec(), new small.MsgpackCodec()]) {
    expect(readBy(codec, frame(codec, { channel: 'a' }, [new Date(NaN)]))).toMatchObject({ body: [null] });
  }
});

test("long heads, deep bodies and channels of many tokens are taken: the limits on them are the broker's", () => {
  const deep = Array.from({ length: 1000 }).reduce<unknown>((inner) => [inner], 1);
  const channel = 'a/'.repeat(2000).slice(0, -1);
  for (const codec of [new small.JsonCodec(), new small.MsgpackCodec()]) {
    const bytes = frame(codec, { channel, fields: { pad: 'x'.repeat(20_000) } }, deep);
    expect(readBy(codec, bytes)).toMatchObject({ channel, fields: { pad: 'x'.repeat(20_000) }, body: deep });
  }
});

test('nesting that never ends is refused, and harms nobody', () => {
  const deep = new Uint8Array(1_000_000).fill(0x91);
  const head = [0, 11, 0x81, 0xa7, ...Buffer.from('channel'), 0xa1, 0x61];
  const cases = [
    { codec: new small.JsonCodec(), payload: Buffer.from(`{"head":{"channel":"a"},"body":${'['.repeat(1e6)}`) },
    { codec: new small.MsgpackCodec(), payload: Uint8Array.from([...head, ...deep]) },
  ];
  for (const { codec, payload } of cases) {
    const read = () => codec.createReader().read(payload, 0, payload.length);
    expect(read).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  }
});

test('what does not fit into a frame of msgpack is refused', () => {
  const codec = new small.MsgpackCodec();
  const refused = expect.objectContaining({ code: 'NOT_ENCODABLE' });
  expect(() => frame(codec, { channel: 'a' }, 'x'.repeat(2 ** 24))).toThrow(refused);
  expect(() => frame(codec, { channel: 'a', fields: { pad: 'x'.repeat(2 ** 16) } }, 1)).toThrow(refused);
});

test('the msgpack codec of Node refuses a head that is too long for its length', () => {
  const refused = expect.objectContaining({ code: 'NOT_ENCODABLE' });
  const head = { channel: 'a', fields: { pad: 'x'.repeat(2 ** 16) } };
  expect(() => frame(new node.MsgpackCodec(), head, 1)).toThrow(refused);
});

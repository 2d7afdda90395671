// Values that are easily forgotten. What becomes of them is the codec's affair (for ours see docs/protocol.md#values), but what it
// writes, its readers take.

import assert from 'node:assert/strict';
import { assertMessage, assertRefused, StrictSink } from './desk.js';
import type { Desk, Sentence } from './desk.js';

class Point {
  readonly x = 1;
}

const ODD_VALUES: readonly (readonly [what: string, body: unknown])[] = [
  ['an invalid date', new Date(NaN)],
  ['a date before 1970', new Date(-1)],
  ['the last date', new Date(8.64e15)],
  ['a map with a text as a key', new Map([['a', 1]])],
  ['a map with a number as a key', new Map([[1.5, 1]])],
  ['a map with an object as a key', new Map([[{ a: 1 }, 1]])],
  ['a map with nothing as a key', new Map([[null, 1]])],
  ['a map with a symbol as a key', new Map([[Symbol('key'), 1]])],
  ['a map with one key twice, as a text', new Map<unknown, unknown>([['1', 1]]).set(1, 2)],
  ['a set', new Set([1, 'x'])],
  ['a weak map', new WeakMap()],
  ['an error', new TypeError('text', { cause: 1 })],
  ['a regular expression', /x/g],
  ['an array with holes', [1, ...Array<number>(2), 3]],
  ['numbers of 64 bits', Float64Array.of(1.5, -2.5)],
  ['numbers of 16 bits', Int16Array.of(1, -2)],
  ['a view of bytes', new DataView(Uint8Array.of(9, 1, 2, 3).buffer, 1)],
  ['a buffer', Uint8Array.of(1, 2, 3).buffer],
  ['a number in an object', Object(5)],
  ['a text in an object', Object('text')],
  ['a truth value in an object', Object(false)],
  ['a bigint in an object', Object(5n)],
  ['a bigint', 5n],
  ['a big bigint', 2n ** 64n],
  ['minus zero', -0],
  ['not a number', NaN],
  ['a half of a surrogate pair', 'a\ud800'],
  ['a half of a surrogate pair in a long text', `${'x'.repeat(300)}\udfff`],
  ['what has a toJSON', { toJSON: () => ({ a: [1] }) }],
  ['what has a toJSON that returns nothing', { toJSON: () => undefined }],
  ['what has a toJSON that returns itself', selfish()],
  ['an object of a class', new Point()],
  ['an object without a prototype', { __proto__: null, a: 1 }],
  ['an object that says it is an array', { constructor: Array, a: 1 }],
  ['an object with an undefined member', { a: undefined, b: [{ c: undefined }] }],
  ['an object with a symbol as a key', { [Symbol('key')]: 1, a: 2 }],
];

function selfish(): object {
  const value = { a: 1, toJSON: (): unknown => value };
  return value;
}

export function oddValueSentences(it: Sentence, desk: () => Desk): void {
  it('writes functions and symbols inside a body as null, or leaves them out', () => {
    const here = desk();
    for (const nothing of [() => 1, Symbol('s'), undefined]) {
      const body = here.read(here.payload({ channel: 'a' }, { list: [1, nothing, 3], deep: { nothing } })).body;
      assert.deepEqual(Reflect.get(Object(body), 'list'), [1, null, 3]);
      assert.equal(Reflect.get(Object(Reflect.get(Object(body), 'deep')), 'nothing') ?? null, null);
    }
  });

  it('writes whatever JavaScript has so that its readers take it, or refuses it', () => {
    const here = desk();
    const reader = here.reader();
    for (const [what, odd] of ODD_VALUES) {
      for (const [where, fields, body] of [
        ['as a body', {}, odd],
        ['in an array', {}, [odd, 1]],
        ['in an object', {}, { odd, after: 1 }],
        ['in a head', { odd, deep: [odd] }, 1],
      ] as const) {
        const payload = unlessRefused(() => here.payload({ channel: 'a', fields }, body));
        if (payload === undefined) continue;
        assert.doesNotThrow(() => here.read(payload, reader), `its own reader does not take ${what} ${where}`);
      }
    }
  });

  it('writes the bytes of binary data, whatever they are seen as, and nothing else', () => {
    const here = desk();
    const bytes = Uint8Array.from({ length: 32 }, (_, i) => 200 - i);
    const { buffer } = bytes;
    const sent = (body: unknown): unknown => unlessRefused(() => here.read(here.payload({ channel: 'a' }, body)).body);
    const expected = sent(bytes);
    if (expected === undefined) return;
    for (const view of [
      new Float64Array(buffer),
      new Int32Array(buffer),
      new Uint16Array(buffer),
      new Uint8ClampedArray(buffer),
      new DataView(buffer),
      buffer,
    ]) {
      assert.deepEqual(sent(view), expected, view.constructor.name);
    }
  });

  it('refuses functions, symbols and cycles in a head as in a body', () => {
    const here = desk();
    const cycle: unknown[] = [];
    cycle.push(cycle);
    for (const value of [() => 1, Symbol('s'), cycle]) {
      const sink = new StrictSink();
      assertRefused(() => here.codec.encode({ channel: 'a', fields: { value } }, 1, sink), 'NOT_ENCODABLE');
      assert.equal(sink.frames.length, 0);
    }
    assertMessage(here.read(here.payload({ channel: 'a', fields: { gone: undefined, kept: 1 } }, 1)), {
      channel: 'a',
      body: 1,
      fields: { kept: 1 },
    });
  });

  it('may be asked to write a message while it writes one', () => {
    const here = desk();
    const inner: Uint8Array[] = [];
    const body = {
      before: 'x'.repeat(100),
      get asks() {
        inner.push(here.payload({ channel: 'inner' }, ['inner']));
        return 'y'.repeat(100);
      },
      after: 1,
    };
    const outer = here.payload({ channel: 'outer' }, body);
    assert.deepEqual(here.read(outer).body, { before: 'x'.repeat(100), asks: 'y'.repeat(100), after: 1 });
    for (const payload of inner) assertMessage(here.read(payload), { channel: 'inner', body: ['inner'] });
    assert.ok(inner.length > 0);
  });
}

/** What it returns, or `undefined` when that is `NOT_ENCODABLE`. */
function unlessRefused<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    assertRefused(() => {
      throw error;
    }, 'NOT_ENCODABLE');
    return undefined;
  }
}

// Values that must cross: what is published is what a subscriber gets.

import assert from 'node:assert/strict';
import type { HeadFields } from '../../contracts/index.js';
import { assertMessage, assertRefused, nested, StrictSink } from './desk.js';
import type { Desk, Sentence } from './desk.js';

/** Bodies that every codec carries unchanged. */
export const COMMON_VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  127,
  128,
  -129,
  65_536,
  2 ** 31,
  2 ** 53 - 1,
  -(2 ** 53) + 1,
  1.5,
  -0.1,
  1e300,
  5e-324,
  '',
  'text',
  'Grüße ✓ 漢字 😀',
  '\u0001 \t \n " \\ / \u2028 \u007f \uffff',
  'x'.repeat(70_000),
  [],
  {},
  [[], {}, [null], ''],
  [1, 'two', [3, [4.5, { five: [] }]], true],
  { '': 0, ' ': 1, ä: 2, '"': 3 },
  { constructor: 1, toString: 2, hasOwnProperty: null, head: { channel: 'no' }, body: 0, self: 1 },
  Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`key ${i}`, i])),
  Array.from({ length: 1000 }, (_, i) => i * 1.1),
  nested(100),
];

/** Keys that objects in JavaScript treat in their own way. */
export const ODD_FIELDS: HeadFields = {
  ['__proto__']: { a: [1] },
  constructor: 'x',
  '': null,
  n: 1.5,
  'ä ✓': true,
};

export function valueSentences(it: Sentence, desk: () => Desk): void {
  it('carries every JSON value unchanged, and what else it says it can', () => {
    const here = desk();
    for (const value of [...COMMON_VALUES, ...(here.options.values ?? [])]) {
      const message = here.read(here.payload({ channel: 'a/b' }, value));
      assert.deepEqual(message.body, value);
      assert.equal(message.head.channel, 'a/b');
    }
  });

  it('writes an absent body as null', () => {
    const here = desk();
    assert.equal(here.read(here.payload({ channel: 'a' }, undefined)).body, null);
  });

  it('drops members that are undefined', () => {
    const here = desk();
    const body = here.read(here.payload({ channel: 'a' }, { kept: 1, gone: undefined })).body;
    assert.equal(Reflect.get(Object(body), 'kept'), 1);
    // A format may have no way to leave a member out once it has begun an object; then it is null.
    assert.equal(Reflect.get(Object(body), 'gone') ?? null, null);
  });

  it('makes bodies that share no memory with what they were read from', () => {
    const here = desk();
    const payload = here.payload({ channel: 'a' }, { text: 'unchanged', list: [1, 2, 3] });
    const { body } = here.read(payload);
    payload.fill(0x20);
    assert.deepEqual(body, { text: 'unchanged', list: [1, 2, 3] });
  });

  it('refuses what cannot be sent, writes nothing, and goes on', () => {
    const here = desk();
    const cycle: Record<string, unknown> = {};
    cycle['itself'] = [cycle];
    const cases = [
      { what: 'a function', body: () => 1 },
      { what: 'a symbol', body: Symbol('s') },
      { what: 'a cycle', body: cycle },
      { what: 'nesting without end', body: nested(200_000) },
      ...(here.options.notEncodable ?? []),
    ];
    for (const { body } of cases) {
      const sink = new StrictSink();
      assertRefused(() => here.codec.encode({ channel: 'a' }, body, sink), 'NOT_ENCODABLE');
      assert.equal(sink.frames.length, 0);
      assert.deepEqual(here.read(here.payload({ channel: 'a' }, [1])).body, [1]);
    }
    for (const key of ['self', 'body']) {
      const sink = new StrictSink();
      assertRefused(() => here.codec.encode({ channel: 'a', fields: { [key]: 1 } }, 1, sink), 'NOT_ENCODABLE');
      assert.equal(sink.frames.length, 0);
    }
  });

  it('carries every member of a head', () => {
    const here = desk();
    const message = here.read(
      here.payload({ channel: 'a/b', time: 1795344144.659854, bounce: false, persist: true, fields: ODD_FIELDS }, 'x'),
    );
    assertMessage(message, {
      channel: 'a/b',
      time: 1795344144.659854,
      bounce: false,
      persist: true,
      fields: ODD_FIELDS,
      body: 'x',
    });
    assert.equal(Object.getPrototypeOf(message.head.fields()), null);
  });

  it('ignores channel, time, bounce and persist among the other fields', () => {
    const here = desk();
    const fields = { channel: 'no', time: 5, bounce: false, persist: true, kept: 1 };
    assertMessage(here.read(here.payload({ channel: 'a', fields }, 1)), { channel: 'a', body: 1, fields: { kept: 1 } });
  });

  it('carries every channel, and makes it canonical', () => {
    const here = desk();
    const channels = ['', 'a', 'a/b/c', 'ä/✓/😀', 'with "quotes" and \\', 'tab\t/line\n', '-control/subscribe', '*'];
    for (const channel of channels) assert.equal(here.read(here.payload({ channel }, 0)).head.channel, channel);
    for (const [sent, canonical] of [
      ['/a//b/', 'a/b'],
      ['///', ''],
      ['a/**/*', 'a/*/**'],
    ] as const) {
      const { head } = here.read(here.payload({ channel: sent }, 0));
      assert.equal(head.channel, canonical);
      assert.equal(head.fields()['channel'], canonical);
    }
  });
}

// What a broker's codec does at the door: it knows its own streams, and lets nothing in that is beyond the limits.

import assert from 'node:assert/strict';
import type { Limits } from '../../contracts/index.js';
import { assertRefused, nested } from './desk.js';
import type { BrokerDesk, Sentence } from './desk.js';

export function guardingSentences(it: Sentence, desk: () => BrokerDesk): void {
  it('knows its own streams by their first bytes, and no others', () => {
    const here = desk();
    const frame = here.encode({ channel: 'a/b', time: 1795344144.6, persist: true }, [1, 2, 3]);
    assert.equal(here.recognizes(new Uint8Array(0)), undefined);
    assert.equal(here.recognizes(frame), true);
    for (let length = 1; length < frame.length; length++) {
      assert.notEqual(here.recognizes(frame.subarray(0, length)), false);
    }
    for (const first of here.options.foreign) assert.equal(here.recognizes(first), false);
  });

  it('holds each reader to its own limits, whatever others have read', () => {
    const here = desk();
    const cases: readonly [Partial<Limits>, Uint8Array, Uint8Array][] = [
      [
        { channelLength: 10 },
        here.payload({ channel: 'x'.repeat(10) }, 1),
        here.payload({ channel: 'x'.repeat(11) }, 1),
      ],
      [{ channelDepth: 3 }, here.payload({ channel: '/a/b//c/' }, 1), here.payload({ channel: 'a/b/c/d' }, 1)],
      [
        { headBytes: 200 },
        here.payload({ channel: 'a', fields: { pad: 'x'.repeat(100) } }, 'x'.repeat(500)),
        here.payload({ channel: 'a', fields: { pad: 'x'.repeat(200) } }, 1),
      ],
      [{ bodyDepth: 5 }, here.payload({ channel: 'a' }, nested(5)), here.payload({ channel: 'a' }, nested(6))],
    ];
    for (const [limits, within, beyond] of cases) {
      const free = here.reader();
      const strict = here.reader(limits);
      for (let i = 0; i < 4; i++) {
        here.read(within, free);
        here.read(beyond, free);
        here.read(within, strict);
        assertRefused(() => strict.read(beyond, 0, beyond.length), 'LIMIT_EXCEEDED');
      }
    }
  });

  it('refuses what is beyond the defaults of the limits', () => {
    const here = desk();
    const reader = here.reader();
    for (const { what, payload } of here.options.beyondLimits ?? []) {
      const take = (): never => assert.fail(`took ${what}: ${JSON.stringify(here.read(payload, reader).body)}`);
      for (let i = 0; i < 3; i++) assertRefused(take, 'LIMIT_EXCEEDED');
    }
  });
}

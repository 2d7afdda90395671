import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { canonical, PatternList, Router } from '../../../src/channels/index.js';

const text = (...tokens: string[]) =>
  fc.array(fc.constantFrom(...tokens), { maxLength: 7 }).map((path) => canonical(path.join('/')));
const step = fc.record({
  what: fc.constantFrom('subscribe', 'subscribe', 'unsubscribe', 'route'),
  target: fc.nat(3),
  pattern: text('a', 'b', '*', '**'),
  channel: text('a', 'b', '*', 'c'),
});

describe('a list of patterns', () => {
  it('finds what a router finds, in the same order, whatever is subscribed and unsubscribed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const targets = Array.from({ length: 4 }, (_, id) => ({ id }));
        const list = new PatternList<object>();
        const router = new Router<object>();
        for (const { what, target, pattern, channel } of steps) {
          const it = targets[target]!;
          if (what === 'subscribe') expect(list.subscribe(pattern, it)).toBe(router.subscribe(pattern, it));
          if (what === 'unsubscribe') expect(list.unsubscribe(pattern, it)).toBe(router.unsubscribe(pattern, it));
          expect(list.route(channel)).toEqual(router.route(channel));
        }
      }),
    );
  });

  it('is empty when it was cleared', () => {
    const list = new PatternList<object>();
    list.subscribe('**', {});
    list.clear();
    expect(list.route('a')).toEqual([]);
  });
});

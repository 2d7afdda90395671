import { describe, expect, it } from '@jest/globals';
import { Calls } from '../../../src/broker/calls.js';
import type { Session } from '../../../src/broker/session.js';
import { fc } from '../../support/fast-check.js';

const SESSIONS = Array.from({ length: 4 }, (_, n) => ({ name: n }) as unknown as Session);
const session = fc.constantFrom(...SESSIONS);
const base = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const step = fc.oneof(
  fc.record({
    what: fc.constant('add' as const),
    base,
    caller: session,
    providers: fc.subarray(SESSIONS, { minLength: 1 }),
  }),
  fc.record({ what: fc.constant('end' as const), base }),
  fc.record({ what: fc.constant('leave' as const), base, provider: session }),
);

describe('calls in flight', () => {
  it('are told by caller and by provider as in a list of all of them', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const calls = new Calls();
        let naive: { base: string; caller: Session; providers: Session[] }[] = [];
        for (const one of steps) {
          if (one.what === 'add') {
            naive = naive.filter((call) => call.base !== one.base);
            naive.push({ base: one.base, caller: one.caller, providers: [...one.providers] });
            calls.add(one.base, one.caller, one.providers);
          } else if (one.what === 'end') {
            naive = naive.filter((call) => call.base !== one.base);
            calls.end(one.base);
          } else {
            const call = naive.find((each) => each.base === one.base);
            if (call !== undefined) call.providers = call.providers.filter((each) => each !== one.provider);
            calls.leave(one.base, one.provider);
          }
          expect(calls.size).toBe(naive.length);
          for (const each of SESSIONS) {
            const made = naive.filter(({ caller }) => caller === each).map((call) => call.base);
            const given = naive.filter(({ providers }) => providers.includes(each)).map((call) => call.base);
            expect(calls.countOf(each)).toBe(made.length);
            expect(new Set(calls.madeBy(each).map((call) => call.base))).toEqual(new Set(made));
            expect(
              calls
                .givenTo(each)
                .map((call) => call.base)
                .sort(),
            ).toEqual(given.sort());
          }
        }
      }),
    );
  });
});

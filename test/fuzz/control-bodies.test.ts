// What stands in control messages is read by these, on either side: any value at all may come.
// The budget is set by environment variables: see budget.ts.

import { describe, expect, it } from '@jest/globals';
import { fc } from '../support/fast-check.js';
import { readAck, readWaiting } from '../../src/link/ack-control.js';
import { readInterest, readMirror } from '../../src/link/bridge-control.js';
import { readError, readGreeting } from '../../src/link/control.js';
import { groupInterest, readMembership, readWanted } from '../../src/link/group-control.js';
import { readHandled, readHistory, readOpen, readOpened } from '../../src/link/history-control.js';
import { readCleared, readEntry, readKept } from '../../src/link/kept-control.js';
import { readLogin } from '../../src/link/login.js';
import { readPresence, readWill } from '../../src/link/presence-control.js';
import { readMissed, readSlow } from '../../src/link/slow-control.js';
import { readPart } from '../../src/rpc/extras.js';
import { budget, TIMEOUT } from './budget.js';

const READERS: readonly [name: string, read: (body: unknown) => unknown, likely: readonly string[]][] = [
  ['ack', readAck, ['done', 'failed']],
  ['waiting', readWaiting, ['origin', 'waiting']],
  ['interest', readInterest, ['set', 'unset']],
  ['mirror', readMirror, ['patterns', 'far', 'mark']],
  ['error', readError, ['code', 'message', 'channel', 'pattern']],
  ['hello', readGreeting, ['nonce', 'features', 'heartbeat', 'auth']],
  ['login', readLogin, ['auth']],
  ['join', readMembership, ['pattern', 'group']],
  ['kept', readKept, ['pattern', 'more', 'complete']],
  ['cleared', readCleared, ['cleared']],
  ['an entry', readEntry, ['channel', 'time', 'bytes', 'expires']],
  ['slow', readSlow, ['pattern', 'policy']],
  ['missed', readMissed, ['pattern', 'missed']],
  ['presence', readPresence, ['joined', 'changed', 'left']],
  ['will', (body) => readWill(body) ?? undefined, ['channel', 'body', 'persist', 'ttl']],
  ['history.open', readOpen, ['n', 'pattern', 'from', 'window', 'durable', 'until', 'end']],
  ['opened', readOpened, ['epoch', 'next']],
  ['handled', readHandled, ['n', 'done', 'again', 'more']],
  ['history', readHistory, ['n', 'ended', 'caughtUp']],
  ['a part of an answer', readPart, ['n', 'item', 'progress', 'kind', 'value']],
];

const anything = fc.anything({ withBigInt: true, withDate: true, withTypedArray: true, withNullPrototype: true });

describe('The body of a control message, whatever it is', () => {
  it.each(READERS)(
    'is read as one of %s, or as none',
    (_, read, likely) => {
      const value = fc.oneof(anything, fc.array(fc.tuple(fc.nat(), fc.nat())), fc.array(fc.string()), fc.string());
      const body = fc.oneof(anything, fc.dictionary(fc.constantFrom(...likely), value));
      fc.assert(
        fc.property(body, (given) => {
          const result = read(given);
          expect(result === undefined || (typeof result === 'object' && result !== null)).toBe(true);
          // Nothing but what is known of: so nothing that was not looked at can be relied on.
          const known = ['token', 'user', 'password', 'features', ...likely];
          if (typeof result === 'object' && result !== null) {
            expect(Object.keys(result).filter((key) => !known.includes(key))).toEqual([]);
          }
        }),
        budget(),
      );
    },
    TIMEOUT,
  );

  it('may tell of a group by any name, which is read as it was told', () => {
    const name = fc.string({ minLength: 1, maxLength: 128, unit: 'grapheme' });
    const property = fc.property(name, fc.constantFrom('a', 'a/*', '**', ''), (group, pattern) => {
      expect(readWanted(groupInterest({ pattern, group }))).toEqual({ pattern, group });
    });
    fc.assert(property, budget());
  });
});

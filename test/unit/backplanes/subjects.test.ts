import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { Subjects } from '../../../src/backplanes/nats/subjects.js';
import { widenedToEnd } from '../../../src/backplanes/widened.js';
import { canonical, includes, matches } from '../../../src/channels/index.js';

const subjects = new Subjects('spoke');
const letter = fc.constantFrom('a', 'b', '*', '>', '.', ' ', '!', '%', '/', '-', 'é', '\ud800', '\udc00', '\u0000');
const channel = fc.oneof(
  fc.string({ unit: letter, maxLength: 12 }).map(canonical),
  fc.string({ unit: 'binary', maxLength: 12 }).map(canonical),
);
const pattern = fc
  .array(fc.constantFrom('a', 'b', '.', '>', '*', '**', '!'), { maxLength: 5 })
  .map((tokens) => canonical(tokens.join('/')));
const plain = fc.array(fc.constantFrom('a', 'b', '.', '>', '!'), { maxLength: 5 }).map((tokens) => tokens.join('/'));

/** As a NATS server does it. */
function natsMatches(wanted: string, subject: string): boolean {
  const [mine, theirs] = [wanted.split('.'), subject.split('.')];
  const tail = mine.indexOf('>');
  if (tail < 0 && mine.length !== theirs.length) return false;
  if (tail >= 0 && theirs.length <= tail) return false;
  return mine.slice(0, tail < 0 ? undefined : tail).every((token, i) => token === '*' || token === theirs[i]);
}

describe('channels as subjects of NATS', () => {
  it('come back as they were', () => {
    fc.assert(fc.property(channel, (one) => expect(subjects.channelOf(subjects.kept(one))).toBe(one)));
  });

  it('are different when the channels are', () => {
    fc.assert(fc.property(channel, channel, (a, b) => expect(subjects.live(a) === subjects.live(b)).toBe(a === b)));
  });

  it('are subjects that a server takes: no white space, no wildcard, no empty token', () => {
    fc.assert(
      fc.property(channel, (one) => {
        const tokens = subjects.live(one).split('.');
        for (const token of tokens) expect(token).toMatch(/^(!|[\w%-]+)$/);
      }),
    );
  });

  it('match what their patterns match, live and kept; a "**" before the end is widened to one at the end', () => {
    fc.assert(
      fc.property(pattern, plain, (wanted, one) => {
        const asked = widenedToEnd(wanted);
        expect(includes(asked, wanted)).toBe(true);
        const subject = subjects.matching(asked);
        expect(natsMatches(subject, subjects.live(one))).toBe(matches(asked, one));
        expect(natsMatches(subject, subjects.kept(one))).toBe(matches(asked, one));
      }),
      { numRuns: 1000 },
    );
  });

  it('never meet what brokers tell each other', () => {
    expect(natsMatches(subjects.matching('**'), subjects.broker(undefined))).toBe(false);
    expect(natsMatches(subjects.matching('**'), subjects.broker('0123'))).toBe(false);
  });
});

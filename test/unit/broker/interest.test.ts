// What brokers tell bridges of who wants what.

import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { BridgeInterest, Interest } from '../../../src/broker/interest.js';

const NOBODY = () => [];

function joined(interest: Interest, patterns: () => Iterable<string> = NOBODY): BridgeInterest {
  const bridge = new BridgeInterest();
  interest.add(bridge, patterns);
  return bridge;
}

describe('the interest of a broker', () => {
  it('tells a bridge what clients are subscribed to, and how that changes', () => {
    const interest = new Interest();
    const bridge = joined(interest, () => ['a', 'b/*', 'a', '-control/ping/x/*']);
    expect(interest.news(bridge)).toEqual({ set: [['a', 0], ['b/*', 0]], unset: [] }); // prettier-ignore
    expect(interest.news(bridge)).toBeUndefined();
    interest.subscribed('c');
    interest.unsubscribed('a');
    interest.unsubscribed('b/*');
    interest.subscribed('-control/x');
    expect(interest.news(bridge)).toEqual({ set: [['c', 0]], unset: ['b/*'] });
    interest.unsubscribed('a');
    interest.subscribed('a');
    expect(interest.news(bridge)).toBeUndefined();
  });

  it('tells each bridge of the others, the nearest, and never of itself', () => {
    const interest = new Interest();
    const [one, two, three] = [joined(interest), joined(interest), joined(interest)];
    interest.want(one, 'x', 3);
    interest.want(two, 'x', 1);
    expect([one, two, three].map((bridge) => interest.news(bridge)?.set)).toEqual([[['x', 1]], [['x', 3]], [['x', 1]]]);
    interest.remove(two);
    expect(interest.news(one)).toEqual({ set: [], unset: ['x'] });
    expect(interest.news(three)).toEqual({ set: [['x', 3]], unset: [] });
  });

  it('counts what is 16 bridges away as wanted by nobody', () => {
    const interest = new Interest();
    const [one, two] = [joined(interest), joined(interest)];
    interest.want(one, 'x', 15);
    interest.want(one, 'y', 16);
    expect(interest.news(two)).toEqual({ set: [['x', 15]], unset: [] });
  });

  it('needs nothing to be told of clients while there is no bridge', () => {
    const interest = new Interest();
    interest.subscribed('x');
    expect(interest.active).toBe(false);
    const first = joined(interest, () => ['y']);
    interest.remove(first);
    expect(interest.news(joined(interest, () => ['z']))).toEqual({ set: [['z', 0]], unset: [] });
  });

  it('is told in parts when there is much of it', () => {
    const interest = new Interest();
    const patterns = Array.from({ length: 2500 }, (_, n) => `p/${n}`);
    const bridge = joined(interest, () => patterns);
    const parts = [interest.news(bridge), interest.news(bridge), interest.news(bridge), interest.news(bridge)];
    expect(parts.map((part) => part?.set.length)).toEqual([1000, 1000, 500, undefined]);
    expect(parts.flatMap((part) => part?.set.map(([pattern]) => pattern) ?? [])).toEqual(patterns);
  });

  it('adds up, whatever happens in between, to what everybody wants', () => {
    const pattern = fc.constantFrom('a', 'b', 'c/**');
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom('subscribed' as const, 'unsubscribed' as const), pattern }),
      fc.record({ kind: fc.constant('want' as const), by: fc.nat(2), pattern, distance: fc.option(fc.nat(17)) }),
      fc.record({ kind: fc.constant('news' as const), by: fc.nat(2) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const interest = new Interest();
        const bridges = [joined(interest), joined(interest), joined(interest)];
        const clients = new Map<string, number>();
        const heard = bridges.map(() => new Map<string, number>());
        const hear = (index: number) => {
          const bridge = bridges[index];
          for (let news = bridge && interest.news(bridge); news !== undefined; news = bridge && interest.news(bridge)) {
            for (const [name, distance] of news.set) heard[index]?.set(name, distance);
            for (const name of news.unset) expect(heard[index]?.delete(name)).toBe(true);
          }
        };
        for (const one of steps) {
          if (one.kind === 'news') hear(one.by);
          else if (one.kind === 'want') {
            const bridge = bridges[one.by];
            if (bridge !== undefined) interest.want(bridge, one.pattern, one.distance ?? undefined);
          } else {
            const count = (clients.get(one.pattern) ?? 0) + (one.kind === 'subscribed' ? 1 : -1);
            if (count < 0) continue;
            clients.set(one.pattern, count);
            interest[one.kind](one.pattern);
          }
        }
        bridges.forEach((bridge, index) => {
          hear(index);
          const expected = new Map<string, number>();
          for (const name of ['a', 'b', 'c/**']) {
            const others = bridges.flatMap((other) => (other === bridge ? [] : [other.wants.get(name) ?? 16]));
            const distance = (clients.get(name) ?? 0) > 0 ? 0 : Math.min(...others);
            if (distance < 16) expected.set(name, distance);
          }
          expect(new Map(heard[index])).toEqual(expected);
        });
      }),
    );
  });
});

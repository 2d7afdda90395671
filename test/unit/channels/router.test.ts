import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';
import { canonical } from '../../../src/channels/channel.js';
import { Router } from '../../../src/channels/router.js';
import { channelText, naiveMatches, patternText } from './naive.js';

interface Target {
  readonly name: string;
}
const target = (name: string): Target => ({ name });
const names = (targets: readonly Target[]): string[] => targets.map(({ name }) => name);

describe('Router', () => {
  it('routes a channel to every target with a matching pattern', () => {
    const router = new Router<Target>();
    router.subscribe('robot/arm', target('literal'));
    router.subscribe('robot/*', target('star'));
    router.subscribe('**', target('all'));
    router.subscribe('robot/leg', target('other'));
    expect(names(router.route('robot/arm'))).toEqual(['literal', 'star', 'all']);
    expect(names(router.route('robot/arm/left'))).toEqual(['all']);
    expect(names(router.route(''))).toEqual(['all']);
  });

  it('names a target once however many of its patterns match', () => {
    const router = new Router<Target>();
    const one = target('one');
    for (const pattern of ['a/b', 'a/*', '**', 'a/**', '**/b']) router.subscribe(pattern, one);
    expect(router.route('a/b')).toEqual([one]);
  });

  it('names targets in the order in which they entered, on every channel alike', () => {
    const router = new Router<Target>();
    const [first, second, third] = [target('first'), target('second'), target('third')];
    router.subscribe('x', first);
    router.subscribe('**', second);
    router.subscribe('a', third);
    router.subscribe('a', first);
    expect(names(router.route('a'))).toEqual(['first', 'second', 'third']);
    router.unsubscribe('x', first);
    expect(names(router.route('a'))).toEqual(['first', 'second', 'third']);
    router.unsubscribe('a', first);
    router.subscribe('a', first);
    expect(names(router.route('a'))).toEqual(['second', 'third', 'first']);
  });

  it('says whether a subscription is new, and whether there was one to remove', () => {
    const router = new Router<Target>();
    const one = target('one');
    for (const pattern of ['a/b', 'a/*', '']) {
      expect(router.unsubscribe(pattern, one)).toBe(false);
      expect(router.subscribe(pattern, one)).toBe(true);
      expect(router.subscribe(pattern, one)).toBe(false);
      expect(router.unsubscribe(pattern, target('stranger'))).toBe(false);
      expect(router.unsubscribe(pattern, one)).toBe(true);
      expect(router.unsubscribe(pattern, one)).toBe(false);
    }
  });

  it('counts pairs of a pattern and a target', () => {
    const router = new Router<Target>();
    const one = target('one');
    router.subscribe('a', one);
    router.subscribe('a', one);
    router.subscribe('a', target('two'));
    router.subscribe('*', one);
    expect(router.size).toBe(3);
    router.unsubscribe('a', one);
    expect(router.size).toBe(2);
    router.clear();
    expect(router.size).toBe(0);
    expect(router.route('a')).toEqual([]);
    expect(router.subscribe('*', one)).toBe(true);
    expect(router.route('a')).toEqual([one]);
  });

  it('takes a wildcard token in a published channel for a literal', () => {
    const router = new Router<Target>();
    router.subscribe('a/b', target('literal'));
    router.subscribe('a/*', target('star'));
    expect(names(router.route('a/**'))).toEqual(['star']);
    expect(names(router.route('a/*'))).toEqual(['star']);
  });

  it('hands out the same array until a subscription that matches changes', () => {
    const router = new Router<Target>();
    router.subscribe('a/b', target('one'));
    const before = router.route('a/b');
    router.subscribe('a/c', target('two'));
    router.subscribe('x/**', target('three'));
    router.subscribe('**/y', target('four'));
    expect(router.route('a/b')).toBe(before);
    router.subscribe('**/b', target('five'));
    expect(names(router.route('a/b'))).toEqual(['one', 'five']);
  });

  it('lets subscriptions change while a route is being iterated over', () => {
    const router = new Router<Target>();
    const all = Array.from({ length: 20 }, (_, i) => target(String(i)));
    for (const one of all) router.subscribe('a', one);
    const seen: Target[] = [];
    for (const one of router.route('a')) {
      seen.push(one);
      router.unsubscribe('a', one);
      router.subscribe('a', target('late'));
    }
    expect(seen).toEqual(all);
    expect(router.route('a')).toHaveLength(20);
  });

  it('serves a crowd that comes and goes on one pattern, literal or not', () => {
    const crowd = Array.from({ length: 25 }, (_, i) => target(`c${i}`));
    for (const pattern of ['a/b', 'a/*']) {
      const router = new Router<Target>();
      let present: Target[] = [];
      const come = (one: Target): void => {
        expect(router.subscribe(pattern, one)).toBe(true);
        expect(router.subscribe(pattern, one)).toBe(false);
        present.push(one);
        expect(names(router.route('a/b'))).toEqual(names(present));
      };
      const go = (one: Target): void => {
        expect(router.unsubscribe(pattern, one)).toBe(true);
        expect(router.unsubscribe(pattern, one)).toBe(false);
        present = present.filter((it) => it !== one);
        expect(names(router.route('a/b'))).toEqual(names(present));
      };
      crowd.forEach(come);
      crowd.slice(5, 22).forEach(go);
      crowd.slice(5, 10).forEach(come);
      crowd.forEach((one) => present.includes(one) && go(one));
      expect(router.size).toBe(0);
    }
  });

  it('refuses a cache size that is no whole number', () => {
    expect(() => new Router({ maxCachedChannels: -1 })).toThrow(TypeError);
    expect(() => new Router({ maxCachedTargets: Number.NaN })).toThrow(TypeError);
  });

  it('keeps nothing of subscriptions that are gone', () => {
    const router = new Router<Target>();
    fc.assert(
      fc.property(fc.array(patternText(6), { maxLength: 30 }), (patterns) => {
        const targets = [target('one'), target('two')];
        for (const pattern of patterns) for (const one of targets) router.subscribe(pattern, one);
        for (const pattern of patterns.toReversed()) {
          for (const one of targets) router.unsubscribe(pattern, one);
        }
        expect(router.size).toBe(0);
        expect(router.trie.nodeCount).toBe(1);
      }),
    );
  });

  it('visits no node twice for one token, so many ** stay cheap', () => {
    const router = new Router<Target>();
    for (let depth = 1; depth <= 50; depth++) {
      router.subscribe(`${'**/a/'.repeat(depth)}x`, target(`deep ${depth}`));
      router.subscribe(`${'**/a/*/'.repeat(depth)}x`, target(`stars ${depth}`));
    }
    const length = 200;
    const before = router.trie.visits;
    const found = router.route(`${'a/'.repeat(length)}x`);
    expect(found).toHaveLength(100);
    expect(router.trie.visits - before).toBeLessThanOrEqual((length + 2) * router.trie.nodeCount);
  });

  it('does not look at subscriptions elsewhere', () => {
    const router = new Router<Target>();
    const visits = (channel: string): number => {
      const before = router.trie.visits;
      router.route(channel);
      return router.trie.visits - before;
    };
    router.subscribe('site/1/*/temp', target('here'));
    router.subscribe('**/alarm', target('alarms'));
    const alone = visits('site/1/a/temp');
    for (let i = 2; i < 2_000; i++) {
      router.subscribe(`site/${i}/*/temp`, target('there'));
      router.subscribe(`**/alarm-${i}`, target('there'));
    }
    expect(visits('site/1/b/temp')).toBe(alone);
  });
});

type Step =
  | { readonly kind: 'subscribe' | 'unsubscribe'; readonly text: string; readonly who: number }
  | { readonly kind: 'route'; readonly text: string };

const targets = Array.from({ length: 12 }, (_, i) => target(`t${i}`));
const who = fc.nat({ max: targets.length - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('subscribe' as const), text: patternText(4), who }),
  fc.record({ kind: fc.constant('unsubscribe' as const), text: patternText(4), who }),
  fc.record({ kind: fc.constant('route' as const), text: channelText(4) }),
);

function behavesLikeAList(router: Router<Target>, steps: readonly Step[]): void {
  const list: { pattern: string; target: Target }[] = [];
  let entered: Target[] = [];
  for (const each of steps) {
    if (each.kind === 'route') {
      const expected = entered.filter((one) =>
        list.some((sub) => sub.target === one && naiveMatches(sub.pattern, each.text)),
      );
      expect(names(router.route(each.text))).toEqual(names(expected));
      continue;
    }
    const one = targets[each.who] ?? target('none');
    const at = list.findIndex((sub) => sub.pattern === each.text && sub.target === one);
    if (each.kind === 'subscribe') {
      expect(router.subscribe(each.text, one)).toBe(at < 0);
      if (at < 0) list.push({ pattern: each.text, target: one });
      if (!entered.includes(one)) entered.push(one);
    } else {
      expect(router.unsubscribe(each.text, one)).toBe(at >= 0);
      if (at >= 0) list.splice(at, 1);
      if (!list.some((sub) => sub.target === one)) entered = entered.filter((it) => it !== one);
    }
  }
  expect(router.size).toBe(list.length);
}

describe('Router does what a plain list of subscriptions would do', () => {
  const steps = fc.array(step, { maxLength: 250, size: 'max' });

  it('with its cache', () => {
    fc.assert(
      fc.property(steps, (all) => behavesLikeAList(new Router(), all)),
      { numRuns: 50 },
    );
  });

  it('with a cache that is always too small', () => {
    fc.assert(
      fc.property(steps, fc.nat({ max: 8 }), fc.nat({ max: 12 }), (all, channels, references) => {
        const options = { maxCachedChannels: channels, maxCachedTargets: references };
        behavesLikeAList(new Router(options), all);
      }),
      { numRuns: 50 },
    );
  });
});

describe('Router and remote calls', () => {
  const call = (number: number | string, kind = 'call') => `square/-rpc/me/${number}/${kind}`;

  it('searches once for all calls between the same two', () => {
    const router = new Router<Target>();
    router.subscribe('square/-rpc/**/call', target('provider'));
    expect(names(router.route(call(1)))).toEqual(['provider']);
    const { visits } = router.trie;
    for (let number = 2; number < 100; number++) expect(names(router.route(call(number)))).toEqual(['provider']);
    expect(router.trie.visits).toBe(visits);
  });

  it('tells a call from its result, and one caller from another', () => {
    const router = new Router<Target>();
    router.subscribe('square/-rpc/**/call', target('provider'));
    router.subscribe('**/-rpc/me/*/result', target('caller'));
    expect(names(router.route(call(1)))).toEqual(['provider']);
    expect(names(router.route(call(1, 'result')))).toEqual(['caller']);
    expect(names(router.route('square/-rpc/you/1/result'))).toEqual([]);
  });

  it('finds those who subscribed to one call, as the peers do, and to one number', () => {
    const router = new Router<Target>();
    const numbered = target('any 7');
    router.subscribe('square/-rpc/*/*/call', target('monitor'));
    expect(names(router.route(call(7)))).toEqual(['monitor']);
    router.subscribe(call(7), target('literal'));
    expect(names(router.route(call(7)))).toEqual(['monitor', 'literal']);
    expect(names(router.route(call(8)))).toEqual(['monitor']);
    router.subscribe('**/7/*', numbered);
    expect(names(router.route(call(7)))).toEqual(['monitor', 'literal', 'any 7']);
    expect(names(router.route(call(8)))).toEqual(['monitor']);
    router.unsubscribe('**/7/*', numbered);
    expect(names(router.route(call(7)))).toEqual(['monitor', 'literal']);
  });

  it('agrees with a search for each call, whatever is subscribed to', () => {
    const token = fc.constantFrom('-rpc', 'me', '1', '2', 'call', 'result', '*', '**', 'x');
    const pattern = fc.array(token, { minLength: 1, maxLength: 6 }).map((parts) => canonical(parts.join('/')));
    const channel = fc
      .tuple(
        fc.array(fc.constantFrom('x', '1', 'me', '-rpc'), { maxLength: 2 }),
        fc.constantFrom('me', '1'),
        fc.constantFrom('1', '2', 'x'),
        fc.constantFrom('call', 'result'),
      )
      .map(([name, id, number, kind]) => canonical([...name, '-rpc', id, number, kind].join('/')));
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            { arbitrary: pattern.map((text) => ({ text, subscribes: true })), weight: 3 },
            pattern.map((text) => ({ text, subscribes: false })),
            channel.map((text) => ({ text, subscribes: undefined })),
          ),
          { maxLength: 30 },
        ),
        (steps) => {
          const router = new Router<Target>();
          const one = target('one');
          const held = new Set<string>();
          for (const { text, subscribes } of steps) {
            if (subscribes === true) {
              held.add(text);
              router.subscribe(text, one);
            } else if (subscribes === false) {
              held.delete(text);
              router.unsubscribe(text, one);
            } else {
              const expected = [...held].some((each) => naiveMatches(each, text));
              expect(router.route(text).length).toBe(expected ? 1 : 0);
            }
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

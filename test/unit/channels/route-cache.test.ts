import { describe, expect, it } from '@jest/globals';
import { RouteCache } from '../../../src/channels/route-cache.js';

const one = [{ name: 'one' }];
const many = (count: number): { name: string }[] => Array.from({ length: count }, (_, i) => ({ name: String(i) }));

const of = <T extends object>(targets: readonly T[]) => ({ targets, groups: [] });

function cacheOf(...channels: string[]): RouteCache<{ name: string }> {
  const cache = new RouteCache<{ name: string }>(1_000, 10_000);
  for (const channel of channels) cache.set(channel, of(one));
  return cache;
}

describe('RouteCache', () => {
  it('returns what was kept until a subscription of the channel changes', () => {
    const cache = cacheOf('a/b', 'a/c');
    expect(cache.get('a/b')?.targets).toBe(one);
    cache.forget('a/b');
    expect(cache.get('a/b')).toBeUndefined();
    expect(cache.get('a/c')?.targets).toBe(one);
  });

  it.each(['a/*', 'a/**', '*/b', '**', '**/b', '*/**'])('gives up a route when "%s" changes', (pattern) => {
    const cache = cacheOf('a/b');
    cache.patternChanged(pattern);
    expect(cache.get('a/b')).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  it.each(['a/*/c', 'b/**', '*/c', '**/c', '**a/*', 'a'])('keeps a route when "%s" changes', (pattern) => {
    const cache = cacheOf('a/b');
    cache.patternChanged(pattern);
    expect(cache.get('a/b')?.targets).toBe(one);
  });

  it('gives up routes that nobody asks for, and what they name, when many targets have left', () => {
    const cache = cacheOf('busy', 'idle');
    for (let left = 0; left < 64; left++) {
      cache.get('busy');
      cache.targetLeft(10);
    }
    expect(cache.size).toBe(1);
    expect(cache.get('busy')?.targets).toBe(one);
  });

  it('keeps them for longer where many targets stay: a few that leave are little beside those', () => {
    const cache = cacheOf('busy', 'idle');
    for (let left = 0; left < 499; left++) {
      cache.get('busy');
      cache.targetLeft(1000);
    }
    expect(cache.size).toBe(2);
    cache.targetLeft(1000);
    expect(cache.size).toBe(1);
  });

  it('gives up the route of the empty channel when "**" changes', () => {
    const cache = cacheOf('');
    cache.patternChanged('*/**');
    expect(cache.get('')?.targets).toBe(one);
    cache.patternChanged('**');
    expect(cache.get('')).toBeUndefined();
  });

  it('notices a change however many others followed it', () => {
    for (let others = 0; others < 200; others++) {
      const cache = cacheOf('a/b', 'x/b');
      cache.patternChanged('a/*');
      for (let i = 0; i < others; i++) cache.patternChanged('a/other/*');
      expect(cache.get('a/b')).toBeUndefined();
      expect(cache.get('x/b')?.targets).toBe(one);
    }
  });

  it('keeps a busy channel through any number of changes elsewhere', () => {
    const cache = cacheOf('a/b');
    for (let i = 0; i < 5_000; i++) {
      cache.patternChanged(`a/${i}/*`);
      cache.patternChanged(`**/${i}`);
      expect(cache.get('a/b')?.targets === one).toBe(true);
    }
  });

  it('keeps a busy channel through a flood of channels that are seen once', () => {
    const cache = cacheOf('busy');
    for (let i = 0; i < 20_000; i++) {
      cache.set(`once/${i}`, of(one));
      if (cache.get('busy')?.targets !== one) throw new Error(`lost after ${i} others`);
    }
    expect(cache.size).toBeLessThanOrEqual(1_000);
  });

  it('is bounded by the target references it holds', () => {
    const cache = new RouteCache<{ name: string }>(1_000, 100);
    const ten = many(10);
    for (let i = 0; i < 50; i++) cache.set(`a/${i}`, of(ten));
    expect(cache.size).toBeLessThanOrEqual(10);
    expect(cache.get('a/49')?.targets).toBe(ten);
    cache.set('crowd', of(many(51)));
    expect(cache.get('crowd')).toBeUndefined();
    expect(cache.get('a/49')?.targets).toBe(ten);
  });

  it('gets the references back of a route that it gives up', () => {
    const cache = new RouteCache<{ name: string }>(1_000, 100);
    const ten = many(10);
    cache.set('stays', of(ten));
    for (let i = 0; i < 100; i++) {
      cache.set('goes', of(ten));
      cache.forget('goes');
    }
    expect(cache.get('stays')?.targets).toBe(ten);
  });

  it('does not keep a channel so long that its text would be the larger part', () => {
    const cache = cacheOf('x'.repeat(2_000));
    expect(cache.size).toBe(0);
  });

  it('lets go of routes that nobody asks for, and so of targets that have left', () => {
    const cache = cacheOf('a/b');
    for (let i = 0; i < 2_048; i++) cache.patternChanged('elsewhere/*');
    expect(cache.size).toBe(0);
  });

  it('keeps nothing when it may not', () => {
    const cache = new RouteCache<{ name: string }>(0, 100);
    cache.set('a', of(one));
    expect(cache.get('a')).toBeUndefined();
  });

  it('is empty after clear', () => {
    const cache = cacheOf('a', 'b');
    cache.clear();
    expect(cache.size).toBe(0);
    expect(cache.get('a')).toBeUndefined();
  });
});

// Channels with named parts: what they match, how they are filled in and read.

import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { canonical, matches } from '../../../src/channels/index.js';
import { channel } from '../../../src/typed/index.js';
import { Path } from '../../../src/typed/path.js';

const read = (text: string, of: string) => new Path(text).read(of);

describe('a path', () => {
  it.each([
    ['robots/:id/pose', 'robots/*/pose'],
    ['/robots//:id', 'robots/*'],
    [':id', '*'],
    ['logs/:path*', 'logs/**'],
    ['logs/:path*/:level', 'logs/*/**'],
    ['alarms', 'alarms'],
    ['', ''],
  ])('%s stands for %s', (text, pattern) => {
    expect(new Path(text).pattern({})).toBe(pattern);
  });

  it.each([
    ['robots/:id/pose', 'robots/r2/pose', { id: 'r2' }],
    [':a/:b', 'x/y', { a: 'x', b: 'y' }],
    ['logs/:path*', 'logs', { path: '' }],
    ['logs/:path*', 'logs/arm/left', { path: 'arm/left' }],
    [':a/:path*/:b', '1/2/3/4', { a: '1', path: '2/3', b: '4' }],
    [':a/:path*/:b', '1/2', { a: '1', path: '', b: '2' }],
    ['alarms', 'alarms', {}],
  ])('%s reads %s', (text, of, params) => {
    expect(read(text, of)).toEqual(params);
  });

  it('gives back what it was filled with, on a channel that its pattern matches', () => {
    const token = fc.stringMatching(/^[^/*]+$/);
    const rest = fc.array(token, { maxLength: 4 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(token, rest, token, (id, path, last) => {
        const all = channel('robots/:id/:path*/x/:last');
        const params = { id, path, last };
        const one = all(params);
        expect(one.channel).toBe(canonical(one.channel));
        expect(matches(all.pattern, one.channel)).toBe(true);
        expect(matches(all.where({ id }).pattern, one.channel)).toBe(true);
        expect(one.path.read(one.channel)).toEqual(params);
      }),
    );
  });

  it.each([
    ['robots/*/pose', /write ":name" for "\*"/],
    ['robots/**', /write ":name"/],
    ['robots/:/pose', /":" is no parameter/],
    ['robots/:id-x', /is no parameter/],
    ['robots/:__proto__', /is no parameter/],
    [':a/:a', /one name/],
    [':a*/x/:b*', /only one/],
  ])('%s is a TypeError', (text, why) => {
    expect(() => new Path(text)).toThrow(TypeError);
    expect(() => new Path(text)).toThrow(why);
  });
});

describe('a parameter', () => {
  const pose = channel('robots/:id/pose');
  const given = (id: unknown) => () => pose({ id } as never);

  it('may be a number', () => {
    expect(pose({ id: 7 }).channel).toBe('robots/7/pose');
  });

  it.each([['a/b'], ['/a'], ['a/'], [''], ['/'], ['*'], ['**'], [undefined], [null], [{}]])(
    '%p is refused where there is one token',
    (id) => {
      expect(given(id)).toThrow(TypeError);
    },
  );

  it('that is a star within a token is an ordinary one', () => {
    expect(pose({ id: 'a*' }).channel).toBe('robots/a*/pose');
  });

  it('of many tokens takes slashes, and no wildcard', () => {
    const logs = channel('logs/:path*');
    expect(logs({ path: 'a/b' }).channel).toBe('logs/a/b');
    expect(logs({ path: '' }).channel).toBe('logs');
    expect(() => logs({ path: 'a/*/b' })).toThrow(/wildcard/);
  });

  it('that the path does not have is refused, also when only some are given', () => {
    expect(() => pose({ id: '1', name: '2' } as never)).toThrow(/no parameter "name"/);
    expect(() => pose.where({ name: '2' } as never)).toThrow(/no parameter "name"/);
  });

  it('may be left out where a pattern will do', () => {
    const joint = channel('robots/:id/joints/:joint');
    expect(joint.where({ id: 'r2' }).pattern).toBe('robots/r2/joints/*');
    expect(joint.where({ joint: 1 }).pattern).toBe('robots/*/joints/1');
    expect(joint.where({}).pattern).toBe(joint.pattern);
    expect(() => joint({ id: 'r2' } as never)).toThrow(/"joint" is missing/);
  });
});

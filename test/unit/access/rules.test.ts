// What rules allow: a table of what a user may rely on, and a comparison of both questions with each other.

import { describe, expect, it, test } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import type { Rules } from '../../../src/access/index.js';
import { RuleSet } from '../../../src/access/rule-set.js';
import { canonical, matches } from '../../../src/channels/index.js';

type Question = readonly [rules: Rules, action: 'publish' | 'subscribe', target: string, answer: boolean];

const calls = { call: ['math/**'] };
const provides = { provide: ['math/**'] };

describe('a rule', () => {
  test.each<Question>([
    [{}, 'publish', 'a', false],
    [{ allow: { publish: ['a/*'] } }, 'publish', 'a/b', true],
    [{ allow: { publish: ['a/*'] } }, 'publish', 'a/b/c', false],
    [{ allow: { publish: ['a/*'] } }, 'subscribe', 'a/b', false],
    [{ allow: { subscribe: ['a/**'] } }, 'subscribe', 'a', true],
    // A wildcard in the channel of a message is an ordinary token.
    [{ allow: { publish: ['a/*'] } }, 'publish', 'a/**', false],
    [{ allow: { publish: ['a/**'] } }, 'publish', 'a/**', true],
    // What is denied is denied, by whatever rule, also where the channel of a message looks like a pattern.
    [{ allow: { publish: ['**'] }, deny: { publish: ['a/b'] } }, 'publish', 'a/b', false],
    [{ allow: { publish: ['a/b'] }, deny: { publish: ['**'] } }, 'publish', 'a/b', false],
    [{ allow: { publish: ['**'] }, deny: { publish: ['a/b'] } }, 'publish', 'a/*', false],
    [{ allow: { publish: ['**'] }, deny: { publish: ['a/b'] } }, 'publish', 'b/*', true],
    // Wildcards leave out what is special.
    [{ allow: { publish: ['**'] } }, 'publish', '-control/x', false],
    [{ allow: { publish: ['*/x'] } }, 'publish', '-control/x', false],
    [{ allow: { publish: ['-control/x'] } }, 'publish', '-control/x', true],
    [{ allow: { publish: ['-control/**'] } }, 'publish', '-control/x', true],
    [{ allow: { publish: ['-control/**'] }, deny: { publish: ['**'] } }, 'publish', '-control/x', false],
    [{ allow: { publish: ['a/**'] } }, 'publish', 'a/-5', true],
    [{ allow: { publish: ['**'] } }, 'publish', 'math/-rpc/i/1/call', false],
    [{ allow: { publish: ['math/-rpc/**'] } }, 'publish', 'math/-rpc/i/1/call', true],
    // Calls.
    [{ allow: calls }, 'publish', 'math/square/-rpc/i/1/call', true],
    [{ allow: calls }, 'publish', 'math/square/-rpc/i//call', true],
    [{ allow: calls }, 'publish', 'math/-rpc/call', true],
    [{ allow: calls }, 'publish', 'math/square/-rpc/i/1/cancel/control', true],
    // Replies to calls of others are not its affair.
    [{ allow: calls }, 'subscribe', 'math/square/-rpc/i/1/part', false],
    [{ allow: provides }, 'publish', 'math/square/-rpc/i/1/part', true],
    [{ allow: provides }, 'subscribe', 'math/square/-rpc/**/control', true],
    [{ allow: calls }, 'publish', 'math/square/-rpc/i/1/result', false],
    [{ allow: calls }, 'publish', 'math/square', false],
    [{ allow: calls }, 'publish', 'other/-rpc/i/1/call', false],
    [{ allow: calls }, 'subscribe', 'math/square/-rpc/i/1/result', false],
    [{ allow: { subscribe: ['math/**/-rpc/**'] } }, 'subscribe', 'math/square/-rpc/i/1/result', true],
    [{ allow: 'all' }, 'subscribe', 'math/square/-rpc/i/1/result', true],
    [{ allow: calls }, 'subscribe', 'math/square/-rpc/i/1/call', false],
    [{ allow: provides }, 'subscribe', 'math/square/-rpc/**/call', true],
    [{ allow: provides }, 'subscribe', 'math/square/-rpc/i/1/call', true],
    [{ allow: provides }, 'publish', 'math/square/-rpc/i/1/result', true],
    [{ allow: provides }, 'publish', 'math/square/-rpc/i/1/call', false],
    [{ allow: 'all', deny: { call: ['math/secret'] } }, 'publish', 'math/secret/-rpc/i/1/call', false],
    [{ allow: 'all', deny: { call: ['math/secret'] } }, 'publish', 'math/secret', true],
    // To deny messages denies no calls, and the other way round.
    [{ allow: 'all', deny: { publish: ['math/**'] } }, 'publish', 'math/-rpc/i/1/call', true],
    [{ allow: 'all' }, 'subscribe', '**', true],
    [{ allow: 'all' }, 'publish', '-control/kept', false],
  ])('%j: %s %s is %s', (rules, action, target, answer) => {
    expect(new RuleSet('r2', [rules]).allows(action, target)).toBe(answer);
  });

  test.each<readonly [rules: Rules, channel: string, answer: boolean]>([
    [{ allow: calls }, 'math/square/-rpc/i/1/result', true],
    [{ allow: calls }, 'math/square/-rpc/i//part', true],
    [{ allow: calls }, 'math/square/-rpc/i/1/call', false],
    [{ allow: calls }, 'other/-rpc/i/1/result', false],
    [{ allow: provides }, 'math/square/-rpc/i/1/result', false],
    [{ allow: calls, deny: { call: ['math/square'] } }, 'math/square/-rpc/i/1/result', false],
    [{ allow: calls, deny: { subscribe: ['math/**/-rpc/**'] } }, 'math/square/-rpc/i/1/result', false],
  ])('%j brings replies to own calls on %s: %s', (rules, channel, answer) => {
    expect(new RuleSet('r2', [rules]).allowsOwn(channel)).toBe(answer);
  });

  test.each<readonly [name: string, target: string, answer: boolean]>([
    ['r2', 'robots/r2/pose', true],
    ['r2', 'robots/r3/pose', false],
    ['*', 'robots/r2/pose', false],
    ['*', 'robots/*/pose', false],
    ['**', 'robots/r2/pose', false],
    ['r2/..', 'robots/r2/../pose', false],
    ['a/b', 'robots/a/b/pose', false],
    ['', 'robots/pose', false],
    ['-control', 'robots/-control/pose', false],
    ['$&', 'robots/$&/pose', true],
    ['{user}', 'robots/{user}/pose', true],
  ])('with {user} in it means %j alone: %s is %s', (name, target, answer) => {
    const rules: Rules = { allow: { publish: ['robots/{user}/pose'] } };
    expect(new RuleSet(name, [rules]).allows('publish', target)).toBe(answer);
  });

  it('that denies what is of a user, denies everything of a user whose name is no token', () => {
    const rules: Rules = { allow: 'all', deny: { publish: ['logs/x{user}'] } };
    expect(new RuleSet('a/b', [rules]).allows('publish', 'logs/other')).toBe(false);
    expect(new RuleSet('a', [rules]).allows('publish', 'logs/other')).toBe(true);
    expect(new RuleSet('a', [rules]).allows('publish', 'logs/xa')).toBe(false);
  });
});

describe('a subscription', () => {
  test.each<readonly [rules: Rules, pattern: string, answer: boolean]>([
    [{ allow: { subscribe: ['a/**'] } }, '**', true],
    [{ allow: { subscribe: ['a/**'] } }, 'b/**', false],
    [{ allow: { subscribe: ['a/**'] } }, '*/b', true],
    [{ allow: { subscribe: ['a/b'] } }, 'a/b', true],
    [{ allow: { subscribe: ['**'] }, deny: { subscribe: ['a/**'] } }, 'a/b/*', false],
    [{ allow: { subscribe: ['**'] }, deny: { subscribe: ['a/b'] } }, 'a/*', true],
    [{ allow: { provide: ['a'] }, deny: { subscribe: ['**'] } }, '**', true],
    [{ allow: { subscribe: ['a/*'] }, deny: { subscribe: ['a/**'] } }, '**', false],
    [{ allow: { subscribe: ['**'] } }, '-control/**', false],
    [{ allow: { subscribe: ['**'] } }, 'math/-rpc/**/call', false],
    [{ allow: provides }, 'math/square/-rpc/**/call', true],
    [{ allow: provides }, 'other/-rpc/**/call', false],
    [{ allow: calls }, '**/-rpc/i/*/result', true],
    [{ allow: calls }, 'math/square/-rpc/**/call', false],
    [{ allow: { subscribe: ['**'] } }, '**/-rpc/i/*/result', false],
    [{ allow: 'all', deny: { provide: ['math/**'] } }, 'math/square/-rpc/**/call', false],
  ])('under %j to %s is possible: %s', (rules, pattern, answer) => {
    expect(new RuleSet('r2', [rules]).allowsSome(pattern)).toBe(answer);
  });

  it('is never refused when something of it may be read', () => {
    const token = fc.constantFrom('a', 'b', '-x', '-rpc', 'call', '*', '**');
    const pattern = fc.array(token, { maxLength: 4 }).map((parts) => canonical(parts.join('/')));
    const channel = fc
      .array(fc.constantFrom('a', 'b', '-x', '-rpc', 'call'), { maxLength: 4 })
      .map((parts) => parts.join('/'));
    const rights = fc.record({
      subscribe: fc.array(pattern, { maxLength: 3 }),
      provide: fc.array(pattern, { maxLength: 2 }),
    });
    fc.assert(
      fc.property(rights, rights, pattern, channel, (allow, deny, asked, target) => {
        const rules = new RuleSet('r2', [{ allow, deny }]);
        if (matches(asked, target) && rules.allows('subscribe', target)) return rules.allowsSome(asked);
        return true;
      }),
      { numRuns: 3000 },
    );
  });
});

// What one user may do, as lists of patterns that are asked about channels and patterns.

import { canonical, includes, intersects, isPattern, matches, tokens } from '../channels/index.js';
import type { Action } from '../contracts/index.js';

/** Lists of patterns; `{user}` in one stands for the name of the user. */
export interface Rights {
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
  /** Remote calls: to publish calls of such a procedure, and to get the results of one's own. */
  readonly call?: readonly string[];
  /** Remote calls: to get calls of such a procedure, and to publish their results. */
  readonly provide?: readonly string[];
}

export interface Rules {
  /** `all`: everything, but for what is special (docs/access.md#what-wildcards-leave-out). Default: nothing. */
  readonly allow?: Rights | 'all';
  /** Wins over what is allowed, here and elsewhere. */
  readonly deny?: Rights;
}

/** What `all` allows: also to read what others are answered. */
export const EVERYTHING = { publish: ['**'], subscribe: ['**', '**/-rpc/**'], call: ['**'], provide: ['**'] };
const USER = '{user}';
const RPC = '-rpc';
const CALL = `${RPC}/**/call`;
const CONTROL = `${RPC}/**/control`;
const RESULT = `${RPC}/**/result`;
/** Items of streams, and progress. */
const PART = `${RPC}/**/part`;

/** What stands for nothing but itself: no separator, no wildcard, not the beginning of something special. */
function isPlain(name: string): boolean {
  return name !== '' && !/^-|[/*]/.test(name);
}

/** One pattern. Its wildcards stand for no token `-rpc`: calls and results are the affair of their own rights. */
class Rule {
  readonly pattern: string;
  /** Between the tokens `-rpc`. */
  readonly #parts: readonly string[];

  constructor(pattern: string) {
    this.pattern = pattern;
    this.#parts = aroundRpc(pattern);
  }

  matches(channel: string): boolean {
    if (this.#parts.length === 1 && !channel.includes(RPC)) return matches(this.pattern, channel);
    const parts = aroundRpc(channel);
    return parts.length === this.#parts.length && this.#parts.every((part, i) => matches(part, parts[i] ?? ''));
  }

  /** Whether it may match what a pattern does. */
  meets(pattern: string): boolean {
    const parts = aroundRpc(pattern);
    // A wildcard of the pattern may stand for `-rpc`, those of the rule may not.
    if (parts.length < this.#parts.length) return intersects(this.pattern, pattern);
    return parts.length === this.#parts.length && this.#parts.every((part, i) => intersects(part, parts[i] ?? ''));
  }

  /** Whether it matches all that a pattern does whose wildcards stand for no `-rpc` either. */
  covers(pattern: string): boolean {
    const parts = aroundRpc(pattern);
    return parts.length === this.#parts.length && this.#parts.every((part, i) => includes(part, parts[i] ?? ''));
  }

  /** Whether nothing is left of what another rule matches of a pattern. */
  takes(rule: Rule, pattern: string): boolean {
    return this.covers(rule.pattern) || (aroundRpc(pattern).length === rule.#parts.length && this.covers(pattern));
  }
}

/** The rules of one kind, found by the first token of a channel. */
class RuleList {
  readonly #byFirst = new Map<string, Rule[]>();
  /** Those that begin with a wildcard. */
  readonly #wild: Rule[] = [];

  add(pattern: string): void {
    const first = tokens(pattern)[0] ?? '';
    const list = isPattern(first) ? this.#wild : (this.#byFirst.get(first) ?? []);
    if (list !== this.#wild) this.#byFirst.set(first, list);
    if (!list.some((rule) => rule.pattern === pattern)) list.push(new Rule(pattern));
  }

  /** @param special - whether those that begin with a wildcard count for channels that begin with a dash. */
  matches(channel: string, special: boolean): boolean {
    const slash = channel.indexOf('/');
    const named = this.#byFirst.get(slash < 0 ? channel : channel.slice(0, slash));
    if (named?.some((rule) => rule.matches(channel)) === true) return true;
    return (special || !channel.startsWith('-')) && this.#wild.some((rule) => rule.matches(channel));
  }

  /** Whether there is one for which this holds, among those that can have to do with a pattern. */
  some(pattern: string, special: boolean, holds: (rule: Rule) => boolean): boolean {
    if ((special || !pattern.startsWith('-')) && this.#wild.some(holds)) return true;
    for (const rules of this.#byFirst.values()) if (rules.some(holds)) return true;
    return false;
  }
}

interface Lists {
  readonly allowed: RuleList;
  readonly denied: RuleList;
}

/** All rules that hold for one user. */
export class RuleSet {
  readonly #lists: Readonly<Record<Action, Lists>> = {
    publish: { allowed: new RuleList(), denied: new RuleList() },
    subscribe: { allowed: new RuleList(), denied: new RuleList() },
  };
  /** Replies, to calls of its own. */
  readonly #own = new RuleList();

  /**
   * @param name - of the user.
   * @param rules - its own, and those of its groups.
   */
  constructor(name: string, rules: readonly Rules[]) {
    for (const { allow, deny } of rules) {
      this.#add('allowed', allow === 'all' ? EVERYTHING : allow, name);
      this.#add('denied', deny, name);
    }
  }

  /**
   * Whether it may publish on a channel, or subscribe to all of a pattern.
   * @param target - canonical.
   */
  allows(action: Action, target: string): boolean {
    const { allowed, denied } = this.#lists[action];
    if (!isPattern(target)) return allowed.matches(target, false) && !denied.matches(target, true);
    // A wildcard in the channel of a message is an ordinary token; what is refused too much of these harms nobody.
    return (
      allowed.some(target, false, (rule) => rule.covers(target)) &&
      !denied.some(target, true, (rule) => rule.meets(target))
    );
  }

  /** Whether there may be channels of a pattern that it may subscribe to. */
  allowsSome(pattern: string): boolean {
    const { allowed, denied } = this.#lists.subscribe;
    if (!isPattern(pattern)) return this.allows('subscribe', pattern) || this.allowsOwn(pattern);
    const some = (rule: Rule): boolean =>
      rule.meets(pattern) && !denied.some(pattern, true, (taken) => taken.takes(rule, pattern));
    return allowed.some(pattern, false, some) || this.#own.some(pattern, false, some);
  }

  /** Whether it may have replies to its own calls on a channel. */
  allowsOwn(channel: string): boolean {
    return this.#own.matches(channel, false) && !this.#lists.subscribe.denied.matches(channel, true);
  }

  #add(kind: keyof Lists, rights: Rights | undefined, name: string): void {
    const { publish = [], subscribe = [], call = [], provide = [] } = rights ?? {};
    const lists = { publish: this.#lists.publish[kind], subscribe: this.#lists.subscribe[kind] };
    const add = (list: RuleList, patterns: readonly string[], ...endings: readonly string[]): void => {
      for (const pattern of patterns) {
        const mine = ofUser(pattern, name, kind === 'denied');
        if (mine === undefined) continue;
        for (const ending of endings) list.add(canonical(`${mine}/${ending}`));
      }
    };
    add(lists.publish, publish, '');
    add(lists.subscribe, subscribe, '');
    add(lists.publish, call, CALL, CONTROL);
    add(kind === 'allowed' ? this.#own : lists.subscribe, call, RESULT, PART);
    add(lists.subscribe, provide, CALL, CONTROL);
    add(lists.publish, provide, RESULT, PART);
  }
}

/**
 * A pattern with the name of a user in it. A name that is more than an ordinary token allows nothing, and denies every name:
 * however it is spelt, it never widens.
 */
function ofUser(pattern: string, name: string, denied: boolean): string | undefined {
  if (!pattern.includes(USER)) return pattern;
  if (isPlain(name)) return pattern.replaceAll(USER, () => name);
  if (!denied) return undefined;
  return tokens(pattern)
    .map((token) => (token.includes(USER) ? '*' : token))
    .join('/');
}

function aroundRpc(text: string): string[] {
  const parts: string[][] = [[]];
  for (const token of text === '' ? [] : text.split('/')) {
    if (token === RPC) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts.map((part) => part.join('/'));
}

// Replies to remote calls where rules hold (docs/access.md#calls): they come from those to whom the call was given, and go to
// who made it. The broker sees that of itself, whatever its clients know; without rules nothing of this is there.
//
// Beside `Calls`, which knows calls of those who asked to be told how they end. Here is every call, until its first result.

import type { Route } from '../channels/index.js';
import { SpokeError } from '../contracts/index.js';
import type { Desk } from './desk.js';
import type { Session } from './session.js';

/** Replies that one caller may wait for; past it the oldest call is forgotten, and its reply goes to nobody. */
const MAX_CALLS = 100_000;
const MARK = '-rpc/';
const CALL = '/call';
const RESULT = '/result';
const PART = '/part';
/** What a caller says of a call. */
const CONTROL = /^(.*)\/[^/]+\/control$/;
const L = 0x6c;
const T = 0x74;

/** `undefined` as a caller: another broker of a cluster. */
type Caller = Session | undefined;

interface Call {
  readonly caller: Caller;
  /** Those that it was given to. */
  readonly targets: readonly Session[];
  readonly members: readonly Session[];
}

export interface RepliesParts {
  readonly desk: Desk;
  /** Whether a session is a bridge: it speaks for others, and may everything. */
  readonly isBridge: (session: Session) => boolean;
}

export class Replies {
  readonly #parts: RepliesParts;
  readonly #calls = new Map<string, Call>();
  // Names of calls, the oldest first.
  readonly #made = new Map<Caller, Set<string>>();
  // The message at hand.
  /**
   * Whether it is a reply to a call that is not known here: that may have its result, or be one that this sender was never given.
   * Only who may read it by name hears of it, on this broker.
   */
  stray = false;
  #base: string | undefined;
  #answered: Call | undefined;
  #isReply = false;
  #members: Session[] = [];

  constructor(parts: RepliesParts) {
    this.#parts = parts;
  }

  /** How many calls wait for their result. */
  get size(): number {
    return this.#calls.size;
  }

  /**
   * Every message is asked about, before it is passed on.
   * @param from - `undefined`: another broker of a cluster, which is believed.
   * @returns why it is not passed on; `undefined`: it is.
   */
  objection(from: Caller, channel: string): SpokeError | undefined {
    this.#base = undefined;
    this.#isReply = false;
    this.stray = false;
    const last = channel.charCodeAt(channel.length - 1);
    if ((last !== L && last !== T) || !channel.includes(MARK)) return undefined;
    if (channel.endsWith(CALL)) return this.#call(from, channel.slice(0, -CALL.length));
    if (channel.endsWith(RESULT)) return this.#reply(from, channel, channel.slice(0, -RESULT.length), true);
    if (channel.endsWith(PART)) return this.#reply(from, channel, channel.slice(0, -PART.length), false);
    const base = CONTROL.exec(channel)?.[1];
    const call = base === undefined ? undefined : this.#calls.get(base);
    if (call === undefined || call.caller === from || this.#trusts(from)) return undefined;
    return new SpokeError('FORBIDDEN', `${channel}: only who made a call may say so`);
  }

  /** The call at hand was given to a member of a group. */
  given(member: Session): void {
    if (this.#base !== undefined) this.#members.push(member);
  }

  /** The message at hand was passed on. @param targets - to whom, members of groups apart. */
  passed(from: Caller, targets: readonly Session[]): void {
    const base = this.#base;
    if (base === undefined) return;
    this.#base = undefined;
    const before = this.#calls.get(base);
    if (before !== undefined && this.#trusts(from)) {
      // Another copy: for those who listen for themselves, and for members of groups.
      const members = [...before.members, ...this.#members];
      this.#calls.set(base, { caller: before.caller, targets: [...before.targets, ...targets], members });
      this.#members = [];
      return;
    }
    this.#end(base);
    this.#note(base, { caller: from, targets, members: this.#members });
    this.#members = [];
  }

  /** Of those who subscribe to the channel of the message at hand, the ones that get it. */
  narrow(channel: string, route: Route<Session>): Route<Session> {
    if (!this.#isReply) return route;
    const { targets, groups } = route;
    const caller = this.#answered?.caller;
    const { desk } = this.#parts;
    const gets = (one: Session): boolean => one === caller || desk.mayReceive(one, channel);
    if (groups.length === 0 && targets.every(gets)) return route;
    const narrowed = groups.map(({ group, members }) => ({ group, members: members.filter(gets) }));
    return { targets: targets.filter(gets), groups: narrowed.filter(({ members }) => members.length > 0) };
  }

  /** Before a session is forgotten: what it asked is of no use to anyone, but for callers beyond a bridge. */
  ended(session: Session): void {
    const made = this.#made.get(session);
    if (made === undefined) return;
    this.#made.delete(session);
    const isBridge = this.#parts.isBridge(session);
    for (const base of made) {
      const call = this.#calls.get(base);
      this.#calls.delete(base);
      if (call !== undefined && isBridge) this.#note(base, { ...call, caller: undefined });
    }
  }

  #call(from: Caller, base: string): SpokeError | undefined {
    // Without an id and a number two calls cannot be told apart.
    if (isNameless(base)) return undefined;
    const call = this.#calls.get(base);
    // A call under the name of another one would get its result.
    if (call !== undefined && call.caller !== from && !this.#trusts(from)) {
      return new SpokeError('FORBIDDEN', `${base}${CALL}: somebody else has made this call`);
    }
    this.#base = base;
    if (this.#members.length > 0) this.#members = [];
    return undefined;
  }

  #reply(from: Caller, channel: string, base: string, last: boolean): SpokeError | undefined {
    const call = this.#calls.get(base);
    if (call !== undefined && !this.#trusts(from) && !wasGiven(call, from)) {
      return new SpokeError('FORBIDDEN', `${channel}: this call was not given to you to answer`);
    }
    this.#isReply = !isNameless(base);
    this.#answered = call;
    this.stray = this.#isReply && call === undefined && !this.#trusts(from);
    if (last) this.#end(base);
    return undefined;
  }

  #note(base: string, call: Call): void {
    const { caller } = call;
    let made = this.#made.get(caller);
    if (made !== undefined && made.size >= MAX_CALLS) this.#forgetOldest(made);
    if (made === undefined) this.#made.set(caller, (made = new Set()));
    made.add(base);
    this.#calls.set(base, call);
  }

  #forgetOldest(made: ReadonlySet<string>): void {
    const [oldest] = made;
    if (oldest !== undefined) this.#end(oldest);
  }

  #trusts(from: Caller): boolean {
    return from === undefined || this.#parts.isBridge(from);
  }

  #end(base: string): void {
    const call = this.#calls.get(base);
    if (call === undefined) return;
    this.#calls.delete(base);
    const made = this.#made.get(call.caller);
    made?.delete(base);
    if (made?.size === 0) this.#made.delete(call.caller);
  }
}

function isNameless(base: string): boolean {
  return base.endsWith('-rpc') && (base.length === 4 || base.endsWith('/-rpc'));
}

function wasGiven({ targets, members }: Call, session: Session | undefined): boolean {
  return session !== undefined && (targets.includes(session) || members.includes(session));
}

// Remote calls that fail fast (docs/protocol.md#feature-calls): callers are told that nobody provides what they call, and that
// whoever was at work on it has gone; providers, that nobody waits any more.

import type { Route } from '../../channels/index.js';
import { Router } from '../../channels/index.js';
import type { CallInFlight } from '../calls.js';
import { Calls } from '../calls.js';
import type { Desk } from '../desk.js';
import type { Providers } from '../providers.js';
import type { Session } from '../session.js';
import type { ControlPart } from './part.js';

const CALL = '/call';
const RESULT = '/result';
const CANCEL = '/cancel/control';
const L = 0x6c;
const T = 0x74;
/** In flight of one connection. */
const MAX_CALLS = 100_000;
/** A caller whose id begins so understands what brokers say of its calls, wherever it is. */
const KNOWING = /\/-rpc\/-[^/]+\/[^/]+$/;

/** Bridges to other brokers. */
export interface CallBridges {
  /** Whether it is one. */
  has(session: Session): boolean;
  /** Sends a message of the broker's own that crosses the bridge. */
  tellBeyond(bridge: Session, channel: string, body: unknown): void;
  /** To be called when what a bridge leads to is away: what it was given by these patterns is lost. */
  away: (bridge: Session, patterns: readonly string[]) => void;
}

export class Calling implements ControlPart {
  readonly features = ['calls'] as const;
  readonly #desk: Desk;
  readonly #router: Router<Session>;
  readonly #providers: Providers;
  readonly #bridges: CallBridges;
  readonly #calls = new Calls();
  readonly #callers = new Set<Session>();
  // Those that the call at hand was given to as members of groups.
  readonly #members: Session[] = [];
  #atHand = false;

  constructor(desk: Desk, router: Router<Session>, providers: Providers, bridges: CallBridges) {
    this.#desk = desk;
    this.#router = router;
    this.#providers = providers;
    this.#bridges = bridges;
    bridges.away = (bridge, patterns) => this.#away(bridge, patterns);
  }

  /** Resolves when no call is in flight, as far as the broker knows of them. */
  async quiet(): Promise<void> {
    if (this.#calls.size === 0) return;
    await new Promise<void>((resolve) => (this.#calls.idle = resolve));
  }

  welcomed(session: Session): void {
    if (session.features.has('calls')) this.#callers.add(session);
    else this.#callers.delete(session);
  }

  /** A call that another broker gave to a member here has found nobody: the last one has left meanwhile. */
  missed(bridge: Session, channel: string): void {
    const base = channel.slice(0, -CALL.length);
    this.#answer(bridge, base, 'NO_PROVIDER', `nobody provides ${nameOf(base)}`);
  }

  ended(session: Session): void {
    this.#callers.delete(session);
    for (const call of this.#calls.givenTo(session)) this.#left(call, session);
    for (const call of this.#calls.madeBy(session)) {
      this.#calls.end(call.base);
      if (!this.#bridges.has(session)) this.#abandoned(call);
    }
    this.#calls.forget(session);
  }

  /**
   * Hot: every message is asked about.
   * @returns whether it is a call that `made` is to hear of, once it was passed on.
   */
  concerns(from: Session, channel: string): boolean {
    const last = channel.charCodeAt(channel.length - 1);
    if (last !== L && last !== T) return false;
    if (channel.endsWith(CALL)) {
      this.#atHand = this.#callers.has(from) || this.#knowingBeyond(from, channel);
      return this.#atHand;
    }
    if (this.#calls.size > 0) {
      if (channel.endsWith(RESULT)) this.#calls.end(channel.slice(0, -RESULT.length));
      else if (channel.endsWith(CANCEL)) this.#calls.end(channel.slice(0, -CANCEL.length));
    }
    return false;
  }

  /** Whether one more call of this session may go on; it is told if not. */
  admits(from: Session, channel: string): boolean {
    if (this.#calls.countOf(from) < MAX_CALLS) return true;
    this.#atHand = false;
    this.#answer(from, channel.slice(0, -CALL.length), 'LIMIT_EXCEEDED', `more than ${MAX_CALLS} calls are in flight`);
    return false;
  }

  /** The message at hand was given to a member of a group. */
  given(member: Session): void {
    if (this.#atHand) this.#members.push(member);
  }

  /**
   * A call was passed on.
   * @param route - of its channel.
   * @returns whether anybody has it.
   */
  made(caller: Session, channel: string, route: Route<Session>): boolean {
    this.#atHand = false;
    const base = channel.slice(0, -CALL.length);
    const providers = this.#givenTo(channel, route);
    if (this.#callers.has(caller)) {
      if (providers.length === 0) this.#answer(caller, base, 'NO_PROVIDER', `nobody provides ${nameOf(base)}`);
      else this.#calls.add(base, caller, providers);
    } else if (providers.length > 0 && !providers.some((one) => this.#bridges.has(one))) {
      // From another broker: one that has providers elsewhere, too, cannot tell that all are lost.
      this.#calls.add(base, caller, providers);
    }
    return providers.length > 0;
  }

  // Of those that the call at hand was given to, the ones that provide it: a monitor does not.
  #givenTo(channel: string, route: Route<Session>): readonly Session[] {
    const { plain, members } = this.#providers.find(channel, route);
    const given = this.#members;
    if (given.length === 0) return plain;
    const providers = given.filter((member) => members.includes(member));
    given.length = 0;
    if (plain.length === 0) return providers;
    return providers.length === 0 ? plain : [...new Set([...plain, ...providers])];
  }

  // Its result would come to a bridge that cannot pass it on. What is given to the bridge from now on waits.
  #away(bridge: Session, patterns: readonly string[]): void {
    const calls = this.#calls.givenTo(bridge);
    if (calls.length === 0) return;
    const away = new Router<Session>({ maxCachedChannels: 0 });
    for (const pattern of patterns) away.subscribe(pattern, bridge);
    for (const call of calls) if (away.route(call.base + CALL).length > 0) this.#left(call, bridge);
  }

  #left(call: CallInFlight, provider: Session): void {
    this.#calls.leave(call.base, provider);
    if (call.providers.length > 0) return;
    this.#calls.end(call.base);
    if (call.caller !== provider) this.#lost(call);
  }

  #knowingBeyond(from: Session, channel: string): boolean {
    return this.#bridges.has(from) && KNOWING.test(channel.slice(0, -CALL.length));
  }

  #lost({ base, caller }: CallInFlight): void {
    const text = `the provider of ${nameOf(base)} has gone while it was called; it may have run`;
    this.#answer(caller, base, 'PROVIDER_LOST', text);
  }

  // Providers that cannot be told do not subscribe to it.
  #abandoned({ base, providers }: CallInFlight): void {
    const channel = base + CANCEL;
    const text = 'the connection of the caller has ended';
    const told = this.#router.route(channel);
    for (const provider of providers) {
      if (this.#bridges.has(provider)) this.#bridges.tellBeyond(provider, channel, text);
      else if (told.includes(provider)) this.#desk.tell(provider, channel, text);
    }
  }

  #answer(caller: Session, base: string, code: string, error: string): void {
    const body = { error, code, by: 'broker' };
    if (this.#bridges.has(caller)) this.#bridges.tellBeyond(caller, base + RESULT, body);
    else this.#desk.tell(caller, base + RESULT, body);
  }
}

/** The procedure's name. */
function nameOf(base: string): string {
  return base.slice(0, Math.max(0, base.lastIndexOf('/-rpc/')));
}

// Remote calls that fail fast (docs/protocol.md#feature-calls): callers are told that nobody provides what they call, and that
// whoever was at work on it has gone; providers, that nobody waits any more.

import type { Route } from '../../channels/index.js';
import type { SpokeError } from '../../contracts/index.js';
import { Router } from '../../channels/index.js';
import type { CallInFlight, Party } from '../calls.js';
import { Calls } from '../calls.js';
import { Peer } from '../cluster/peer.js';
import type { CallListener, PeerCalls } from '../cluster/peer-calls.js';
import type { Desk } from '../desk.js';
import type { Providers } from '../providers.js';
import type { Session } from '../session.js';
import type { ControlPart } from './part.js';

const CALL = '/call';
const RESULT = '/result';
const CANCEL = '/cancel/control';
const PART = '/part';
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

export class Calling implements ControlPart, CallListener {
  readonly features = ['calls'] as const;
  readonly #desk: Desk;
  readonly #router: Router<Session>;
  readonly #providers: Providers;
  readonly #bridges: CallBridges;
  readonly #calls = new Calls();
  readonly #callers = new Set<Session>();
  // Those that the call at hand was given to as members of groups.
  readonly #members: Session[] = [];
  // Likewise, at other brokers of the cluster.
  readonly #elsewhere: Peer[] = [];
  readonly #peers: PeerCalls | undefined;
  #atHand = false;
  #asker: Peer | undefined;

  /** @param peers - the other brokers of the cluster; `undefined`: this broker is alone. */
  constructor(
    desk: Desk,
    router: Router<Session>,
    providers: Providers,
    bridges: CallBridges,
    peers: PeerCalls | undefined,
  ) {
    this.#peers = peers;
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
    this.gone(session);
  }

  /** A client, or another broker, is there no more. */
  gone(party: Party): void {
    for (const call of this.#calls.givenTo(party)) this.#left(call, party, true);
    for (const call of this.#calls.madeBy(party)) {
      this.#calls.end(call.base);
      if (!this.#isBridge(party)) this.#abandoned(call);
    }
    this.#calls.forget(party);
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
      if (channel.endsWith(RESULT)) this.#answered(channel);
      else if (channel.endsWith(CANCEL)) this.#cancelled(channel.slice(0, -CANCEL.length));
      else if (this.#peers !== undefined && channel.endsWith(PART)) {
        this.#asker = peerOf(this.#calls.get(channel.slice(0, -PART.length))?.caller);
      }
    }
    return false;
  }

  /** The broker whose client waits for the message at hand, which is an answer. */
  takeAsker(): Peer | undefined {
    const asker = this.#asker;
    if (asker !== undefined) this.#asker = undefined;
    return asker;
  }

  /** Whether one more call of this session may go on; it is told if not. */
  admits(from: Session, channel: string): boolean {
    if (this.#calls.countOf(from) < MAX_CALLS) return true;
    this.#atHand = false;
    this.#answer(from, channel.slice(0, -CALL.length), 'LIMIT_EXCEEDED', `more than ${MAX_CALLS} calls are in flight`);
    return false;
  }

  /** A message of a session was not passed on: of a call its caller is told at once, and need not wait for its timeout. */
  refused(from: Session, channel: string, { code, message }: SpokeError): void {
    if (!channel.endsWith(CALL) || !this.#callers.has(from)) return;
    const base = channel.slice(0, -CALL.length);
    if (/\/-rpc\/[^/]/.test(base)) this.#answer(from, base, code, message);
  }

  /** The message at hand was given to a member of a group. */
  given(member: Session): void {
    if (this.#atHand) this.#members.push(member);
  }

  /** The message at hand was given to a member of a group at another broker of the cluster. */
  givenElsewhere(peer: Peer, group: string, channel: string): void {
    if (this.#atHand && this.#peers?.provides(peer, group, channel) === true) this.#elsewhere.push(peer);
  }

  /** Whether it is a call whose answer goes straight to the broker of the caller. */
  isTracked(channel: string): boolean {
    return channel.endsWith(CALL) && KNOWING.test(channel.slice(0, -CALL.length));
  }

  /**
   * A call was passed on.
   * @param route - of its channel.
   * @returns whether anybody has it.
   */
  made(caller: Session, channel: string, route: Route<Session>): boolean {
    this.#atHand = false;
    const base = channel.slice(0, -CALL.length);
    const here = this.#givenTo(channel, route);
    const providers = this.#peers === undefined ? here : this.#withPeers(here, channel, this.#peers);
    if (this.#callers.has(caller)) {
      if (providers.length === 0) this.#answer(caller, base, 'NO_PROVIDER', `nobody provides ${nameOf(base)}`);
      else this.#calls.add(base, caller, providers);
    } else if (providers.length > 0 && !providers.some((one) => this.#isBridge(one))) {
      // From another broker: one that has providers elsewhere, too, cannot tell that all are lost.
      this.#calls.add(base, caller, providers);
    }
    return providers.length > 0;
  }

  /** A message has come from another broker of the cluster. @param route - of its channel. */
  arrived(from: Peer | undefined, channel: string, route: Route<Session>): void {
    const last = channel.charCodeAt(channel.length - 1);
    if (last !== L && last !== T) return;
    if (channel.endsWith(RESULT)) this.#calls.end(channel.slice(0, -RESULT.length));
    else if (channel.endsWith(CANCEL)) this.#calls.end(channel.slice(0, -CANCEL.length));
    else if (from !== undefined && this.isTracked(channel)) {
      const providers = this.#givenTo(channel, route);
      if (providers.length > 0) this.#addFrom(from, channel.slice(0, -CALL.length), providers);
    }
  }

  /** A call is given to members here by the choice of another broker; `taken` follows. */
  takes(): void {
    this.#atHand = true;
  }

  /**
   * @param caller - the broker where it was made; `undefined`: this one.
   * @param passed - the broker that it was passed on to.
   */
  taken(caller: Peer | undefined, channel: string, route: Route<Session>, passed: Peer | undefined): void {
    this.#atHand = false;
    const base = channel.slice(0, -CALL.length);
    const here = this.#members.length > 0 ? this.#givenTo(channel, route) : [];
    if (caller === undefined) {
      // It has come back: what is known of it holds for those that have it now.
      const call = this.#calls.get(base);
      if (call === undefined) return;
      const others = [...here, ...(passed === undefined ? [] : [passed])];
      if (others.length > 0) this.#calls.add(base, call.caller, others);
      else this.#over(call, false);
    } else if (passed !== undefined) this.#peers?.moved(caller, base, passed);
    else if (here.length > 0) this.#addFrom(caller, base, here);
    else this.#peers?.lost(caller, base, false);
  }

  lostAt(peer: Peer, base: string, ran: boolean): void {
    const call = this.#calls.get(base);
    if (call?.providers.includes(peer) === true) this.#left(call, peer, ran);
  }

  movedFrom(peer: Peer, base: string, to: Peer): void {
    const call = this.#calls.get(base);
    if (call?.providers.includes(peer) !== true) return;
    this.#calls.add(base, call.caller, [...new Set([...call.providers.filter((one) => one !== peer), to])]);
  }

  endedBy(base: string, cancel: boolean): void {
    const call = this.#calls.end(base);
    if (call !== undefined && cancel) this.#abandoned(call);
  }

  unknown(bases: readonly string[]): string[] {
    return bases.filter((base) => this.#calls.get(base) === undefined);
  }

  givenTo(peer: Peer): readonly string[] {
    return this.#calls.givenTo(peer).map(({ base }) => base);
  }

  // It may come by two ways: for those who have every call, and for a member of a group.
  #addFrom(caller: Peer, base: string, providers: readonly Session[]): void {
    const before = this.#calls.get(base)?.providers ?? [];
    this.#calls.add(base, caller, before.length === 0 ? providers : [...new Set([...before, ...providers])]);
  }

  #withPeers(here: readonly Session[], channel: string, peers: PeerCalls): readonly Party[] {
    const plain = peers.plain(channel);
    const given = this.#elsewhere;
    if (plain.length === 0 && given.length === 0) return here;
    const all = [...new Set<Party>([...here, ...plain, ...given])];
    given.length = 0;
    return all;
  }

  #answered(channel: string): void {
    const call = this.#calls.end(channel.slice(0, -RESULT.length));
    if (this.#peers !== undefined) this.#asker = peerOf(call?.caller);
  }

  #cancelled(base: string): void {
    const call = this.#calls.end(base);
    if (this.#peers === undefined || call === undefined) return;
    for (const one of call.providers) if (one instanceof Peer) this.#peers.ended(one, base, false);
  }

  // One of its providers has gone.
  #left(call: CallInFlight, party: Party, ran: boolean): void {
    this.#calls.leave(call.base, party);
    if (call.providers.length === 0) this.#over(call, ran);
  }

  #over(call: CallInFlight, ran: boolean): void {
    this.#calls.end(call.base);
    if (ran) this.#lost(call);
    else this.#answer(call.caller, call.base, 'NO_PROVIDER', `nobody provides ${nameOf(call.base)}`);
  }

  #isBridge(party: Party): boolean {
    return !(party instanceof Peer) && this.#bridges.has(party);
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
    for (const call of calls) if (away.route(call.base + CALL).length > 0) this.#left(call, bridge, true);
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
      if (provider instanceof Peer) this.#peers?.ended(provider, base, true);
      else if (this.#bridges.has(provider)) this.#bridges.tellBeyond(provider, channel, text);
      else if (told.includes(provider)) this.#desk.tell(provider, channel, text);
    }
  }

  #answer(caller: Party, base: string, code: string, error: string): void {
    const body = { error, code, by: 'broker' };
    if (caller instanceof Peer) this.#peers?.lost(caller, base, code === 'PROVIDER_LOST');
    else if (this.#bridges.has(caller)) this.#bridges.tellBeyond(caller, base + RESULT, body);
    else this.#desk.tell(caller, base + RESULT, body);
  }
}

function peerOf(party: Party | undefined): Peer | undefined {
  return party instanceof Peer ? party : undefined;
}

/** The procedure's name. */
function nameOf(base: string): string {
  return base.slice(0, Math.max(0, base.lastIndexOf('/-rpc/')));
}

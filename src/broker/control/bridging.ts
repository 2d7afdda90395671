// Bridges to other brokers (docs/protocol.md#feature-bridge): what they are sent, what they are told of interest, and what
// of theirs was here already.

import { canonical, Router } from '../../channels/index.js';
import { stringify } from '../../codecs/json/stringify.js';
import type { Codec, MessageStore, MessageView } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import type { Flushable } from '../../link/index.js';
import * as bridgeControl from '../../link/bridge-control.js';
import { GROUP_KEY, markOf, readWanted } from '../../link/group-control.js';
import type { ClearedBody, ClearedEntry } from '../../link/kept-control.js';
import { CLEARED, CLEARED_ENTRIES } from '../../link/kept-control.js';
import type { Desk } from '../desk.js';
import type { GroupBeyond } from '../groups-beyond.js';
import { GroupsBeyond } from '../groups-beyond.js';
import { BridgeInterest, Interest } from '../interest.js';
import type { Providers } from '../providers.js';
import type { Replays } from '../replay.js';
import type { MessageId } from '../seen.js';
import { readId, Seen } from '../seen.js';
import type { Session } from '../session.js';
import type { Tombstones } from '../tombstones.js';
import type { Transcoder } from '../transcoder.js';
import type { ControlPart } from './part.js';
import { overLimit } from './pattern-limits.js';

/**
 * How many messages of one broker a way here may be behind another one: two bridges that carry different channels share
 * the numbers of the broker that they come from. 8 KiB for each broker.
 */
const WINDOW = 65_536;
/** Likewise, of one client, of which there are many. 2 KiB for each. */
const ALIAS_WINDOW = 16_384;
/** What a bridge says of members of groups while their side is away. */
const AWAY = bridgeControl.UNREACHABLE - 1;

export interface BridgingParts {
  readonly desk: Desk;
  readonly replays: Replays;
  readonly transcoder: Transcoder;
  readonly store: MessageStore;
  readonly tombstones: Tombstones;
  /** What clients of this broker numbered themselves. */
  readonly published: Pick<Seen, 'has'>;
  /** The broker's own: the origin of what its clients publish. */
  readonly id: string;
  /** Is told who provides what. */
  readonly providers: Providers;
  /** What clients have subscribed to, each as often as they did. */
  readonly subscribed: () => Iterable<string>;
  /** The other brokers behind a backplane. */
  readonly cluster?: Cluster | undefined;
}

/** Is told of what clients and bridges want, messages for groups included. */
export interface Cluster {
  subscribed(wanted: string, bridge: boolean): void;
  unsubscribed(wanted: string, bridge: boolean): void;
}

/** What the broker knows of one bridge. */
class BridgeState {
  readonly interest = new BridgeInterest();
  readonly mirrored = new Set<string>();
  /** The broker on its other side. */
  far: string | undefined;
  /** Of copies for members of groups, both ways; `undefined`: that broker has no groups. */
  mark: string | undefined;
}

/** All bridges of one broker. */
export class Bridging implements ControlPart, Flushable {
  /** What it flushes goes to outboxes. */
  readonly released = true;
  readonly features = ['bridge'] as const;
  readonly handlers: NonNullable<ControlPart['handlers']>;
  /** Dropped, because they had come another way. */
  repeated = 0;
  /** Told when the broker beyond a bridge is away: these patterns that members of groups have there. */
  away: (bridge: Session, patterns: readonly string[]) => void = () => {};
  readonly #parts: BridgingParts;
  readonly #bridges = new Map<Session, BridgeState>();
  readonly #interest = new Interest();
  // Those that want a message, for members of groups, and those that want it if it is persistent.
  readonly #wanting = new Router<Session>();
  readonly #groups = new GroupsBeyond();
  readonly #mirroring = new Router<Session>();
  // Of the message at hand.
  readonly #frames = new Map<Codec, Frame | undefined>();
  readonly #cleared = new Map<Session, ClearedEntry[]>();
  #numbered = 0;
  // Apart: numbers are those of a few brokers and bridges, and keep messages from going round; other names are many, and what
  // is forgotten of them comes twice at worst.
  readonly #seen = new Seen({ window: WINDOW });
  readonly #aliases = new Seen({ window: ALIAS_WINDOW });
  #flushing = false;

  constructor(parts: BridgingParts) {
    this.#parts = parts;
    this.handlers = {
      [bridgeControl.INTEREST]: {
        request: true,
        feature: 'bridge',
        handle: (session, view, codec) => this.#hearInterest(session, codec.decodeBody(view)),
      },
      [bridgeControl.MIRROR]: {
        request: true,
        feature: 'bridge',
        handle: (session, view, codec) => this.#mirror(session, codec.decodeBody(view)),
      },
    };
  }

  /** Whether there are any. */
  get active(): boolean {
    return this.#bridges.size > 0;
  }

  /** As `Router.admit`. */
  admit(admits: ((session: Session, channel: string) => boolean) | undefined): void {
    this.#wanting.admit(admits);
    this.#mirroring.admit(admits);
    this.#groups.admit(admits);
  }

  // It gets every persistent message, and may publish in the name of others.
  grants(session: Session, feature: string): boolean {
    const { desk } = this.#parts;
    return feature !== 'bridge' || (desk.maySubscribe(session, '**') && desk.mayPublish(session, '**'));
  }

  welcomed(session: Session): void {
    this.ended(session);
    if (!session.features.has('bridge')) return;
    const state = new BridgeState();
    this.#interest.add(state.interest, this.#parts.subscribed);
    this.#bridges.set(session, state);
    // All of it, before the answer to the ping that follows a hello.
    this.#tell(session, state);
  }

  ended(session: Session): void {
    const state = this.#bridges.get(session);
    if (state === undefined) return;
    this.#bridges.delete(session);
    this.#cleared.delete(session);
    this.#interest.remove(state.interest);
    for (const [interest, distance] of state.interest.wants) this.#unroute(session, interest, distance);
    for (const pattern of state.mirrored) this.#mirroring.unsubscribe(pattern, session);
    this.#schedule();
  }

  /** A client has subscribed to a pattern it was not subscribed to. */
  subscribed(pattern: string, session: Session): void {
    this.#parts.providers.added(session, pattern);
    this.#parts.cluster?.subscribed(pattern, false);
    this.#interest.subscribed(pattern);
    this.#schedule();
  }

  unsubscribed(pattern: string, session: Session): void {
    this.#parts.providers.removed(session, pattern);
    this.#parts.cluster?.unsubscribed(pattern, false);
    this.#interest.unsubscribed(pattern);
    this.#schedule();
  }

  /** A client of another broker of the cluster has become a member of a group or a provider, or is one no more. */
  wantedInCluster(wanted: string, there: boolean): void {
    if (there) this.#interest.subscribed(wanted);
    else this.#interest.unsubscribed(wanted);
    this.#schedule();
  }

  /** Whether a message with an id goes on: not when it is a bridge's and was here already. It is known from now on. */
  admits(session: Session, view: MessageView): boolean {
    if (view.id === undefined || !this.#bridges.has(session)) return true;
    const id = readId(view.id);
    if (id === undefined) {
      this.#refuse(session, new SpokeError('MALFORMED', 'an id is an origin and a number: <origin>:<n>'));
      return false;
    }
    const first = id.origin !== this.#parts.id && this.#seen.add(id);
    if (first && (id.alias === undefined || this.#admitsAlias(id.alias))) return true;
    this.repeated++;
    return false;
  }

  /** As `admits`, for what another broker of a cluster has passed on under this name. */
  admitsNamed(name: string): boolean {
    const id = readId(name);
    if (id === undefined) return true;
    const first = id.origin !== this.#parts.id && this.#seen.add(id);
    return first && (id.alias === undefined || this.#admitsAlias(id.alias));
  }

  /** Whether this is a bridge: then messages have their names of others. */
  has(session: Session): boolean {
    return this.#bridges.has(session);
  }

  /** Sends a message of this broker's own that crosses a bridge. */
  tellBeyond(bridge: Session, channel: string, body: unknown): void {
    const { codec } = bridge.link;
    if (codec === undefined || bridge.link.ended) return;
    const { sink, seconds: time } = this.#parts.desk.turn;
    const id = `${this.#parts.id}:${++this.#numbered}`;
    const length = codec.encode({ channel, time, id }, body, sink);
    bridge.link.outbox.push(sink.block, sink.position - length, sink.position);
  }

  /** Whether a message that a client numbered came from another broker already. */
  knows(id: MessageId): boolean {
    return this.active && this.#aliases.has(id);
  }

  /**
   * The time of a persistent message that is not newer than what is kept, if it counts all the same: of two with one time,
   * published on two sides of a bridge, all brokers have to keep the same.
   */
  timeOf(session: Session, view: MessageView, codec: Codec): number | undefined {
    if (view.time === undefined || !this.#bridges.has(session)) return undefined;
    return this.wins(view, view.time, codec) ? view.time : undefined;
  }

  /** Whether it takes the place of what is kept with the same time: the greater text does, in whatever order they come. */
  wins(view: MessageView, time: number, codec: Codec): boolean {
    const { store, transcoder } = this.#parts;
    const kept = store.get(view.head.channel);
    if (kept === undefined || kept.time !== time) return false;
    try {
      return stringify(codec.decodeBody(view)) > stringify(transcoder.body(kept));
    } catch (error) {
      // Kept in a codec that this broker lacks, say: then it stays.
      if (error instanceof SpokeError) return false;
      throw error;
    }
  }

  /** Whether the broker behind a bridge chooses members for what it sends. */
  chooses(from: Session): boolean {
    return this.#bridges.get(from)?.mark !== undefined;
  }

  /** The group for a member of which a message comes that another broker sends; `undefined`: it is for whoever wants it. */
  groupOf(from: Session, view: MessageView): string | undefined {
    const mark = this.#bridges.get(from)?.mark;
    const value = mark === undefined ? undefined : view.head.fields()[GROUP_KEY];
    if (mark === undefined || typeof value !== 'string' || !value.startsWith(markOf(mark, ''))) return undefined;
    return value.slice(mark.length + 1);
  }

  /** Groups with members beyond bridges, the nearest first. */
  groups(channel: string): readonly GroupBeyond[] {
    return this.#groups.find(channel);
  }

  /** Whether a message may go on by this bridge: not back where it comes from. */
  mayTake(bridge: Session, from: Session | undefined, view: MessageView): boolean {
    const state = this.#bridges.get(bridge);
    if (state?.mark === undefined || bridge === from) return false;
    const source = from === undefined ? undefined : this.#bridges.get(from);
    if (source === undefined || state.far === undefined) return true;
    return state.far !== source.far && state.far !== view.id?.slice(0, view.id.indexOf(':'));
  }

  /** What a copy for a member beyond a bridge is marked with, and its name: another one than that of other copies. */
  copyFor(
    bridge: Session,
    group: string,
    from: Session | undefined,
    view: MessageView,
  ): { mark: string; id: string } | undefined {
    const state = this.#bridges.get(bridge);
    if (state?.mark === undefined) return undefined;
    // What was wanted before this was published is known wherever it arrives.
    if (state.interest.changed.size > 0) this.#tell(bridge, state);
    const named = from !== undefined && this.#bridges.has(from) ? view.id : undefined;
    return { mark: markOf(state.mark, group), id: named ?? `${this.#parts.id}:${++this.#numbered}` };
  }

  /**
   * Passes a message on to all bridges that want it, but for the one it came by, and those that lead where it comes from.
   * @param from - `undefined`: another broker of a cluster, which gave it the `name`.
   * @param name - what it is called already.
   * @returns how many had asked for it.
   */
  forward(from: Session | undefined, view: MessageView, time: number, codec: Codec, name?: string): number {
    const { channel, persist } = view.head;
    if (channel.startsWith('-control/')) return 0;
    const wanting = this.#wanting.route(channel);
    const mirroring = persist ? this.#mirroring.route(channel) : NOBODY;
    if (wanting.length === 0 && mirroring.length === 0) return 0;
    const source = from === undefined ? undefined : this.#bridges.get(from);
    // Nobody else is believed.
    let named = source === undefined ? name : view.id;
    const origin = named?.slice(0, named.indexOf(':'));
    for (const [session, { far, interest }] of this.#bridges) {
      if (session === from || (!wanting.includes(session) && !mirroring.includes(session))) continue;
      if (far !== undefined && (far === source?.far || far === origin)) continue;
      const to = session.link.codec;
      if (to === undefined) continue;
      // What was wanted before this was published is known wherever it arrives.
      if (interest.changed.size > 0) this.#tell(session, { interest });
      named ??= this.#name(from, view);
      let frame = this.#frames.get(to);
      if (!this.#frames.has(to)) this.#frames.set(to, (frame = this.#write(from, view, named, time, codec, to)));
      if (frame !== undefined) session.link.outbox.push(frame.block, frame.start, frame.end);
    }
    this.#frames.clear();
    return wanting.length;
  }

  /** A persistent message is kept no more, on this broker: neither may it be on those that mirror it. */
  cleared(channel: string, time: number, from: Session | undefined): void {
    for (const session of this.#mirroring.route(channel)) {
      if (session === from) continue;
      const entries = this.#cleared.get(session);
      if (entries !== undefined) entries.push([channel, time]);
      else this.#cleared.set(session, [[channel, time]]);
      this.#schedule();
    }
  }

  /** End of the turn: what changed in it is told in one message. */
  flush(): void {
    this.#flushing = false;
    for (const [session, state] of this.#bridges) this.#tell(session, state);
    for (const [session, entries] of this.#cleared) this.#tellCleared(session, entries);
    this.#cleared.clear();
  }

  // What a client publishes again is known everywhere by the number that the client gave it.
  #name(from: Session | undefined, { id }: MessageView): string {
    const name = `${this.#parts.id}:${++this.#numbered}`;
    return id !== undefined && from?.features.has('ack') === true ? `${name};${id}` : name;
  }

  #admitsAlias(alias: MessageId): boolean {
    return this.#aliases.add(alias) && !this.#parts.published.has(alias);
  }

  #write(
    from: Session | undefined,
    view: MessageView,
    id: string,
    time: number,
    codec: Codec,
    to: Codec,
  ): Frame | undefined {
    const { desk, transcoder } = this.#parts;
    const { sink } = desk.turn;
    try {
      const length =
        to === codec ? codec.forward(view, time, sink, id) : transcoder.live(view, time, codec, to, sink, id);
      return { block: sink.block, start: sink.position - length, end: sink.position };
    } catch (error) {
      if (!(error instanceof SpokeError)) throw error;
      if (from !== undefined) desk.refuse(from, error, view.head.channel);
      return undefined;
    }
  }

  #hearInterest(session: Session, body: unknown): boolean {
    const news = bridgeControl.readInterest(body);
    const state = this.#bridges.get(session);
    if (news === undefined || state === undefined) {
      this.#refuse(session, new SpokeError('MALFORMED', `${bridgeControl.INTEREST} takes {set, unset}`));
      return false;
    }
    const away: string[] = [];
    for (const [sent, distance] of news.set) {
      const wanted = canonical(sent);
      if (distance === AWAY && (state.interest.wants.get(wanted) ?? AWAY) < AWAY) away.push(readWanted(wanted).pattern);
      this.#want(session, state.interest, wanted, distance);
    }
    for (const pattern of news.unset) this.#want(session, state.interest, canonical(pattern), undefined);
    if (away.length > 0) this.away(session, away);
    this.#schedule();
    return false;
  }

  /** @param wanted - a pattern, or one for a group. */
  #want(session: Session, interest: BridgeInterest, wanted: string, distance: number | undefined): void {
    const reachable = distance !== undefined && distance < bridgeControl.UNREACHABLE;
    const before = interest.wants.get(wanted);
    if (before === distance) return;
    if (reachable && before === undefined) {
      const error = overLimit(this.#parts.desk.limits, readWanted(wanted).pattern, interest.wants.size);
      if (error !== undefined) {
        this.#refuse(session, error);
        return;
      }
    }
    if (before !== undefined) this.#unroute(session, wanted, before);
    if (reachable) this.#route(session, wanted, distance);
    this.#interest.want(interest, wanted, reachable ? distance : undefined);
  }

  #route(session: Session, wanted: string, distance: number): void {
    this.#parts.providers.added(session, wanted);
    const { pattern, group } = readWanted(wanted);
    if (group === undefined) this.#wanting.subscribe(pattern, session);
    else this.#groups.want(session, pattern, group, distance);
    this.#parts.cluster?.subscribed(wanted, true);
  }

  #unroute(session: Session, wanted: string, distance: number): void {
    this.#parts.providers.removed(session, wanted);
    const { pattern, group } = readWanted(wanted);
    if (group === undefined) this.#wanting.unsubscribe(pattern, session);
    else this.#groups.forget(session, pattern, group, distance);
    this.#parts.cluster?.unsubscribed(wanted, true);
  }

  #mirror(session: Session, body: unknown): boolean {
    const mirror = bridgeControl.readMirror(body);
    const state = this.#bridges.get(session);
    if (mirror === undefined || state === undefined) {
      this.#refuse(session, new SpokeError('MALFORMED', `${bridgeControl.MIRROR} takes {patterns}`));
      return false;
    }
    state.far = mirror.far;
    state.mark = mirror.mark;
    for (const pattern of state.mirrored) this.#mirroring.unsubscribe(pattern, session);
    state.mirrored.clear();
    for (const sent of mirror.patterns) {
      const pattern = canonical(sent);
      const error = overLimit(this.#parts.desk.limits, pattern, state.mirrored.size);
      if (error !== undefined) {
        this.#refuse(session, error);
        continue;
      }
      state.mirrored.add(pattern);
      this.#mirroring.subscribe(pattern, session);
    }
    // What was cleared while it was away, before what is kept.
    this.#tellCleared(session, [...this.#parts.tombstones.matching([...state.mirrored])]);
    for (const pattern of state.mirrored) {
      this.#parts.replays.start(session, pattern, () => state.mirrored.has(pattern));
    }
    return false;
  }

  #tellCleared(session: Session, entries: readonly ClearedEntry[]): void {
    for (let from = 0; from < entries.length; from += CLEARED_ENTRIES) {
      const body: ClearedBody = { cleared: entries.slice(from, from + CLEARED_ENTRIES) };
      this.#parts.desk.tell(session, CLEARED, body);
    }
  }

  #schedule(): void {
    if (this.#flushing || !this.active) return;
    this.#flushing = true;
    this.#parts.desk.turn.add(this);
  }

  #tell(session: Session, { interest }: Pick<BridgeState, 'interest'>): void {
    for (let news = this.#interest.news(interest); news !== undefined; news = this.#interest.news(interest)) {
      this.#parts.desk.tell(session, bridgeControl.INTEREST, news);
    }
  }

  #refuse(session: Session, error: SpokeError): void {
    this.#parts.desk.refuse(session, error, undefined);
  }
}

interface Frame {
  readonly block: Uint8Array;
  readonly start: number;
  readonly end: number;
}

const NOBODY: readonly Session[] = [];

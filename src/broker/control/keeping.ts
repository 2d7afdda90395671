// Persistent messages as state (docs/protocol.md#feature-kept): told from live ones, listed, read, cleared.

import type { Router } from '../../channels/index.js';
import { canonical } from '../../channels/index.js';
import type { Codec, MessageView } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import type { Flushable } from '../../link/index.js';
import * as keptControl from '../../link/kept-control.js';
import type { Desk } from '../desk.js';
import { forbidden } from '../desk.js';
import type { Retained } from '../retained.js';
import type { Session } from '../session.js';
import type { Transcoder } from '../transcoder.js';
import { entryOf, Listings } from './listing.js';
import type { ControlPart } from './part.js';
import { overLimit } from './pattern-limits.js';

/** The bridge, the other brokers of a cluster, the time to live; `undefined`: a client. */
export type ClearedBy = Session | 'cluster' | 'expiry' | undefined;

export interface KeepingParts {
  readonly desk: Desk;
  readonly retained: Retained;
  readonly router: Router<Session>;
  readonly transcoder: Transcoder;
  /**
   * Tells other brokers of what was cleared, but for the bridge or the cluster by which it came.
   * @returns resolves when a cluster knows.
   */
  readonly pass: (channel: string, time: number, from: ClearedBy) => Promise<void> | undefined;
}

export class Keeping implements ControlPart, Flushable {
  /** What it flushes goes to outboxes. */
  readonly released = true;
  readonly features = ['kept'] as const;
  readonly brokersOnly = [keptControl.KEPT];
  readonly handlers: NonNullable<ControlPart['handlers']>;
  readonly requests: NonNullable<ControlPart['requests']>;
  readonly #parts: KeepingParts;
  readonly #listings: Listings;
  readonly #untold = new Map<Session, keptControl.ClearedEntry[]>();

  constructor(parts: KeepingParts) {
    this.#parts = parts;
    this.#listings = new Listings(parts.retained.store);
    parts.retained.expired = (channel, time) => void this.#cleared(channel, time, 'expiry');
    this.handlers = {
      [keptControl.CLEARED]: { request: true, handle: (session, view, codec) => this.#hear(session, view, codec) },
    };
    this.requests = {
      'kept.list': (session, body) => this.#list(session, body),
      'kept.get': (session, body) => this.#get(session, body),
      'kept.clear': (session, body) => this.#clear(session, body),
    };
  }

  ended(session: Session): void {
    this.#untold.delete(session);
    this.#listings.forget(session);
  }

  /** End of the turn: what was cleared in it is told in as few messages as possible. */
  flush(): void {
    const { desk } = this.#parts;
    for (const [session, entries] of this.#untold) {
      for (let from = 0; from < entries.length; from += keptControl.CLEARED_ENTRIES) {
        const body: keptControl.ClearedBody = { cleared: entries.slice(from, from + keptControl.CLEARED_ENTRIES) };
        desk.tell(session, keptControl.CLEARED, body);
      }
    }
    this.#untold.clear();
  }

  #list(session: Session, body: object): unknown {
    const { desk } = this.#parts;
    const pattern = this.#patternOf(session, body);
    const after = textAt(body, 'after');
    const limit = Math.min(numberAt(body, 'limit') ?? keptControl.LIST_ENTRIES, keptControl.LIST_ENTRIES);
    const admits = (channel: string): boolean => desk.mayReceive(session, channel);
    return this.#listings.list(session, { pattern, after, limit, admits });
  }

  #get(session: Session, body: object): unknown {
    const { desk, retained, transcoder } = this.#parts;
    const channel = canonical(textAt(body, 'channel') ?? missing('channel'));
    if (!desk.maySubscribe(session, channel)) throw forbidden(session, 'subscribe to', channel);
    const message = retained.store.get(channel);
    return message === undefined ? null : { ...entryOf(message), body: transcoder.body(message) };
  }

  async #clear(session: Session, body: object): Promise<unknown> {
    const { desk, retained } = this.#parts;
    const { store } = retained;
    const time = numberAt(body, 'time');
    const now = desk.turn.seconds;
    if (time !== undefined && time > now + desk.limits.clockSkew / 1000) {
      throw new SpokeError('TIME_INVALID', `time ${time} lies too far in the future (limits.clockSkew)`);
    }
    const literal = textAt(body, 'channel');
    const channels =
      literal === undefined
        ? store.match(this.#patternOf(session, body)).map(({ channel }) => channel)
        : [canonical(literal)].filter((channel) => store.get(channel) !== undefined);
    // All or nothing.
    const denied = channels.find((channel) => !desk.mayPublish(session, channel));
    if (denied !== undefined) throw forbidden(session, 'clear', denied);
    if (Reflect.get(body, 'dryRun') === true) return { cleared: channels.length };
    let cleared = 0;
    const stored: (Promise<void> | undefined)[] = [];
    for (const channel of channels) {
      const done = retained.clear(channel, time, now);
      if (done === undefined) continue;
      cleared++;
      stored.push(done.stored, this.#cleared(channel, done.time, undefined));
    }
    for (const durable of stored) await durable;
    return { cleared };
  }

  // Of a bridge: what was cleared on its other side.
  #hear(session: Session, view: MessageView, codec: Codec): boolean {
    const { desk, retained } = this.#parts;
    if (!session.features.has('bridge')) {
      const text = `${keptControl.CLEARED} is for brokers and bridges only`;
      desk.refuse(session, new SpokeError('FORBIDDEN', text), keptControl.CLEARED);
      return false;
    }
    const body = keptControl.readCleared(codec.decodeBody(view));
    if (body === undefined) {
      const error = new SpokeError('MALFORMED', `${keptControl.CLEARED} takes {cleared: [[channel, time], ...]}`);
      desk.refuse(session, error, keptControl.CLEARED);
      return false;
    }
    const now = desk.turn.seconds;
    const latest = now + desk.limits.clockSkew / 1000;
    for (const [given, time] of body.cleared) {
      const channel = canonical(given);
      if (channel.length > desk.limits.channelLength || time > latest) continue;
      const done = retained.clear(channel, time, now);
      // Not durable: the bridge sends it again when its broker starts again.
      done?.stored?.catch(() => {});
      if (done !== undefined) this.#cleared(channel, done.time, session)?.catch(() => {});
    }
    return false;
  }

  /** Another broker of a cluster has cleared a channel. @returns `false`: what is kept here is newer. */
  clearedElsewhere(channel: string, time: number): boolean {
    const { retained, desk } = this.#parts;
    const done = retained.clear(channel, time, desk.turn.seconds);
    if (done !== undefined) void this.#cleared(channel, done.time, 'cluster');
    return retained.store.get(channel) === undefined && retained.tombstones.time(channel) === time;
  }

  #cleared(channel: string, time: number, from: ClearedBy): Promise<void> | undefined {
    const passed = this.#parts.pass(channel, time, from);
    for (const session of this.#parts.router.route(channel)) {
      if (!session.features.has('kept') || !this.#parts.desk.mayReceive(session, channel)) continue;
      if (this.#untold.size === 0) this.#parts.desk.turn.add(this);
      const entries = this.#untold.get(session);
      if (entries === undefined) this.#untold.set(session, [[channel, time]]);
      else entries.push([channel, time]);
    }
    return passed;
  }

  #patternOf(session: Session, body: object): string {
    const { desk } = this.#parts;
    const pattern = canonical(textAt(body, 'pattern') ?? missing('pattern'));
    const error = overLimit(desk.limits, pattern, 0);
    if (error !== undefined) throw error;
    if (!desk.maySubscribeSome(session, pattern)) throw forbidden(session, 'subscribe to', pattern);
    return pattern;
  }
}

function textAt(body: object, key: string): string | undefined {
  const value: unknown = Reflect.get(body, key);
  if (value === undefined || typeof value === 'string') return value;
  throw new SpokeError('MALFORMED', `${key} must be a text`);
}

function numberAt(body: object, key: string): number | undefined {
  const value: unknown = Reflect.get(body, key);
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
  throw new SpokeError('MALFORMED', `${key} must be a number`);
}

function missing(key: string): never {
  throw new SpokeError('MALFORMED', `${key} is missing`);
}

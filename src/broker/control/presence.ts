// Who is connected, and what they subscribe to and provide (docs/protocol.md#feature-presence). Nothing is written down for it
// but when a connection began; who watches is told at the end of a turn what changed in it.

import type { Codec, MessageView } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import type { Flushable } from '../../link/index.js';
import type { MembershipBody } from '../../link/group-control.js';
import { memberOf } from '../../link/kept-control.js';
import type { PresenceBody, PresenceEntry } from '../../link/presence-control.js';
import * as presenceControl from '../../link/presence-control.js';
import type { OwnPresence, PeerPresence, PresencePage } from '../cluster/peer-presence.js';
import type { Desk } from '../desk.js';
import { forbidden } from '../desk.js';
import type { Session } from '../session.js';
import type { ControlPart } from './part.js';

/** Of what a client says of itself, as it sent it. */
const LONGEST_ABOUT = 4096;
const CALLS = '/-rpc/**/call';

/** Is told of what changed. */
export type PresenceListener = (news: PresenceBody) => void;

interface Known {
  readonly id: string;
  readonly since: number;
  /** Whether it is one of those who are there: not before it has logged in, where that is asked. */
  present: boolean;
  name?: string;
  meta?: unknown;
}

export class Presence implements ControlPart, Flushable, OwnPresence {
  /** What it flushes goes to outboxes. */
  readonly released = true;
  readonly features = ['presence'] as const;
  readonly brokersOnly = [presenceControl.PRESENCE];
  readonly handlers: NonNullable<ControlPart['handlers']>;
  readonly requests: NonNullable<ControlPart['requests']>;
  readonly #desk: Desk;
  readonly #groupsOf: (session: Session) => readonly MembershipBody[];
  // In the order in which they came.
  readonly #known = new Map<Session, Known>();
  readonly #watchers = new Set<Session>();
  readonly #listeners = new Set<PresenceListener>();
  // Not told yet.
  readonly #joined = new Set<Session>();
  readonly #changed = new Set<Session>();
  readonly #left = new Set<string>();
  readonly #peers: PeerPresence | undefined;
  readonly #suffix: string;
  #numbered = 0;
  #flushing = false;

  /** @param peers - the other brokers of the cluster; `undefined`: this broker is alone. */
  constructor(desk: Desk, groupsOf: (session: Session) => readonly MembershipBody[], peers: PeerPresence | undefined) {
    this.#desk = desk;
    this.#peers = peers;
    this.#suffix = peers?.serve(this) ?? '';
    this.#groupsOf = groupsOf;
    desk.changed = (session) => this.#change(session);
    this.handlers = {
      [presenceControl.ABOUT]: {
        request: true,
        feature: 'presence',
        handle: (session, view, codec) => this.#hear(session, view, codec),
      },
    };
    this.requests = {
      'presence.list': (session, body) => {
        this.#require(session);
        const given = memberOf(body, 'after');
        const after = typeof given === 'string' ? given : undefined;
        return this.#peers === undefined ? this.page(after, presenceControl.PRESENCE_ENTRIES) : this.#peers.page(after);
      },
      'presence.watch': (session) => {
        this.#require(session);
        this.#watchers.add(session);
        this.#peers?.watch(true);
        return null;
      },
      'presence.unwatch': (session) => {
        this.#unwatch(session);
        return null;
      },
    };
  }

  /** A session begins. */
  started(session: Session): void {
    const since = this.#desk.turn.clock.now() / 1000;
    this.#known.set(session, { id: `c${++this.#numbered}${this.#suffix}`, since, present: session.admitted });
    if (session.admitted) this.#came(session);
  }

  ended(session: Session): void {
    this.#unwatch(session);
    const known = this.#known.get(session);
    if (known === undefined) return;
    this.#known.delete(session);
    this.#changed.delete(session);
    // Whoever was not told that it came need not hear that it left.
    if (this.#joined.delete(session) || !known.present || !this.#watched) return;
    this.#left.add(known.id);
    this.#schedule();
  }

  /** All that are connected to this broker, in the order in which they came. */
  list(): PresenceEntry[] {
    return this.#entries(this.#known.keys());
  }

  /** Tells of those who are connected to this broker. Returns a function that ends it. */
  listen(listener: PresenceListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** End of the turn. */
  flush(): void {
    this.#flushing = false;
    this.#review();
    const joined = this.#entries(this.#joined);
    const changed = this.#entries(this.#changed);
    const left = [...this.#left];
    this.#joined.clear();
    this.#changed.clear();
    this.#left.clear();
    const portions = Math.ceil(Math.max(joined.length, changed.length, left.length) / presenceControl.PRESENCE_ENTRIES);
    for (let n = 0; n < portions; n++) {
      const portion = <T>(all: readonly T[]) =>
        all.slice(n * presenceControl.PRESENCE_ENTRIES, (n + 1) * presenceControl.PRESENCE_ENTRIES);
      const news: PresenceBody = { joined: portion(joined), changed: portion(changed), left: portion(left) };
      this.#tellWatchers(news);
      this.#peers?.told(news);
      for (const listener of this.#listeners) this.#call(listener, news);
    }
  }

  /** As `presence.list`, of those who are connected to this broker. */
  page(after: string | undefined, limit: number): PresencePage {
    const all = [...this.#known].filter(([, { present }]) => present);
    const from = after === undefined ? 0 : all.findIndex(([, { id }]) => numberOf(id) > numberOf(after));
    const rest = from < 0 ? [] : all.slice(from);
    const page = rest.slice(0, limit);
    return { entries: this.#entries(page.map(([one]) => one)), more: rest.length > page.length };
  }

  /** Tells those who watch here of connections to other brokers. */
  tell(news: PresenceBody): void {
    this.#review();
    this.#tellWatchers(news);
  }

  get #watched(): boolean {
    return this.#watchers.size + this.#listeners.size > 0 || this.#peers?.watched === true;
  }

  #tellWatchers(news: PresenceBody): void {
    for (const watcher of this.#watchers) this.#desk.tell(watcher, presenceControl.PRESENCE, news);
  }

  #unwatch(session: Session): void {
    if (this.#watchers.delete(session) && this.#watchers.size === 0) this.#peers?.watch(false);
  }

  // Rules may have changed since they asked.
  #review(): void {
    if (this.#desk.open) return;
    for (const watcher of this.#watchers) {
      if (this.#desk.maySubscribe(watcher, presenceControl.PRESENCE_PATTERN)) continue;
      this.#unwatch(watcher);
      const error = forbidden(watcher, 'subscribe to', presenceControl.PRESENCE_PATTERN);
      this.#desk.refuse(watcher, error, presenceControl.PRESENCE);
    }
  }

  #came(session: Session): void {
    if (!this.#watched) return;
    this.#joined.add(session);
    this.#schedule();
  }

  #change(session: Session): void {
    const known = this.#known.get(session);
    if (known?.present === false && session.admitted) {
      known.present = true;
      this.#came(session);
      return;
    }
    if (!this.#watched || this.#joined.has(session) || known?.present !== true) return;
    this.#changed.add(session);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#desk.turn.add(this);
  }

  // A listener that throws harms nobody else.
  #call(listener: PresenceListener, news: PresenceBody): void {
    try {
      listener(news);
    } catch (error) {
      this.#desk.logger.error({ err: error }, 'a listener of presence failed');
    }
  }

  #hear(session: Session, view: MessageView, codec: Codec): boolean {
    const { channel } = view.head;
    const known = this.#known.get(session);
    const body = codec.decodeBody(view);
    const name = memberOf(body, 'name');
    if (view.bodyEnd - view.bodyStart > LONGEST_ABOUT || !(name === undefined || typeof name === 'string')) {
      const text = `${channel} takes {name, meta}, of at most ${LONGEST_ABOUT} bytes`;
      this.#desk.refuse(session, new SpokeError('LIMIT_EXCEEDED', text), channel);
    } else if (known !== undefined) {
      if (name !== undefined) known.name = name;
      known.meta = memberOf(body, 'meta');
      this.#change(session);
    }
    return false;
  }

  #require(session: Session): void {
    if (this.#desk.maySubscribe(session, presenceControl.PRESENCE_PATTERN)) return;
    throw forbidden(session, 'subscribe to', presenceControl.PRESENCE_PATTERN);
  }

  #entries(sessions: Iterable<Session>): PresenceEntry[] {
    const entries: PresenceEntry[] = [];
    for (const session of sessions) {
      const known = this.#known.get(session);
      if (known?.present !== true) continue;
      const all = this.#groupsOf(session);
      const patterns = first(session.patterns);
      const groups = first(all);
      const provided = [...patterns, ...groups.map(({ pattern }) => pattern)].filter((one) => one.endsWith(CALLS));
      const { id, since, name, meta } = known;
      entries.push({
        id,
        ...(name !== undefined && { name }),
        ...(meta !== undefined && { meta }),
        ...(session.identity !== undefined && { identity: session.identity.name }),
        address: session.address,
        since,
        patterns,
        groups,
        provides: [...new Set(provided.map((one) => one.slice(0, -CALLS.length)))],
        subscriptions: session.patterns.size + all.length,
      });
    }
    return entries;
  }
}

function first<T>(all: Iterable<T>): T[] {
  const list: T[] = [];
  for (const one of all) {
    if (list.length === presenceControl.PRESENCE_PATTERNS) break;
    list.push(one);
  }
  return list;
}

function numberOf(id: string): number {
  return Number.parseInt(id.slice(1), 10);
}

// What brokers of one cluster know of each other: who is there, and what is provided and wanted by groups there
// (docs/decisions/027-cluster-wide.md).
//
// Each tells all others what it has when it comes, what changes, and every second that it is alive and which version of its account
// holds. Whoever has missed something asks for all of it.

import type { Backplane, Clock, Logger } from '../../contracts/index.js';
import { memberOf } from '../../link/kept-control.js';
import { Peer } from './peer.js';
import type { PeerRoutes } from './peer-routes.js';
import type { Registration, Registrations } from './registrations.js';
import type { News } from './told.js';
import { readNews, writeNews } from './told.js';

/** Milliseconds between two signs of life. */
export const BEAT = 1000;
/** Milliseconds of silence after which a broker counts as dead; it is looked at with each beat. */
export const SILENCE = 3000;
/** Milliseconds that a broker that opens waits for others at the least: nobody answers when it is the first. */
const FIRST_WAIT = 200;
/** Milliseconds that it waits at the most, for those of which it has heard. */
const LAST_WAIT = 2000;
/** Letters of what is told in one message, about. Engines take a megabyte. */
const PORTION = 64 * 1024;
/** Other brokers known. */
const MAX_PEERS = 1000;

export interface GossipParts {
  readonly plane: Backplane;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The broker's own. */
  readonly id: string;
  readonly routes: PeerRoutes;
  readonly registrations: Registrations;
  /** What it does not know itself, by `op`. */
  readonly others: (peer: Peer, news: News) => void;
  /** A broker is there, or there again, and has told what it has. */
  readonly came: (peer: Peer) => void;
  /** A broker has left, or died. */
  readonly gone: (peer: Peer) => void;
  /** Its next sign of life is due. */
  readonly beat: () => void;
}

/** Waits until all brokers that are there know of a version. */
interface Waiting {
  readonly version: number;
  readonly resolve: () => void;
}

export class Gossip {
  readonly peers = new Map<string, Peer>();
  readonly #parts: GossipParts;
  #version = 0;
  /** The version with which something was last provided or wanted that was not before. */
  #added = 0;
  #waiting: Waiting[] = [];
  /** While it opens: is told when somebody has answered. */
  #answered: (() => void) | undefined;
  /** Those of which others have told. */
  readonly #expected = new Set<string>();
  #cancelBeat: (() => void) | undefined;
  #due = 0;
  #closed = false;

  constructor(parts: GossipParts) {
    this.#parts = parts;
  }

  /** Resolves when the others are known: all of them, unless one takes too long. */
  async open(signal: AbortSignal): Promise<void> {
    const { clock, plane } = this.#parts;
    if (this.#closed) return;
    const began = clock.monotonic();
    this.#account(undefined, true);
    this.#scheduleBeat();
    await plane.flush();
    if (this.#closed) return;
    // To another broker and back is twice the way to the engine and back.
    const wait = Math.min(FIRST_WAIT + 3 * (clock.monotonic() - began), LAST_WAIT);
    await new Promise<void>((resolve) => {
      const first = clock.setTimer(wait, () => {
        if (this.#expected.size === 0 && this.peers.size === 0) done();
      });
      const last = clock.setTimer(LAST_WAIT, () => done());
      const done = (): void => {
        first();
        last();
        this.#answered = undefined;
        signal.removeEventListener('abort', done);
        resolve();
      };
      signal.addEventListener('abort', done);
      this.#answered = () => {
        for (const id of this.#expected) if ((this.peers.get(id)?.version ?? -1) < 0) return;
        if (this.#expected.size > 0) done();
      };
      this.#answered();
      if (signal.aborted) done();
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancelBeat?.();
    this.tell({ op: 'bye' });
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting = [];
  }

  /** The engine is there again. */
  returned(): void {
    const now = this.#parts.clock.monotonic();
    for (const peer of this.peers.values()) peer.heard = now;
    this.#account(undefined, true);
  }

  /** Tells others what has changed. */
  apply(): void {
    const { registrations } = this.#parts;
    if (!registrations.changed) return;
    const { news, added } = registrations.news();
    if (news.length === 0) return;
    for (const portion of portions(news)) {
      this.tell({
        op: 'delta',
        version: ++this.#version,
        news: portion.map(([wanted, count]) => [wanted, count ?? null]),
      });
    }
    if (added) this.#added = this.#version;
  }

  /** Resolves when all others that are there know what is provided and wanted here; `undefined`: they do. */
  settled(): Promise<void> | undefined {
    const version = this.#added;
    if (this.#knowAll(version)) return undefined;
    return new Promise((resolve) => this.#waiting.push({ version, resolve }));
  }

  /** Something that a broker has told. @returns `false`: it is for somebody else to read. */
  heard(data: Uint8Array): boolean {
    const news = readNews(data);
    if (news === undefined) return false;
    const { by, op } = news;
    if (by === this.#parts.id || this.#closed) return true;
    if (op === 'bye') {
      this.lost(by);
      return true;
    }
    const peer = this.meet(by);
    if (peer === undefined) return true;
    peer.heard = this.#parts.clock.monotonic();
    const version = memberOf(news, 'version');
    if (op === 'beat' && typeof version === 'number') this.#beaten(peer, version);
    else if (op === 'account' && typeof version === 'number') this.#hearAccount(peer, version, news);
    else if (op === 'delta' && typeof version === 'number') this.#hearDelta(peer, version, news);
    else if (op === 'ask') this.#account(peer.id, false);
    else if (op === 'know' && typeof version === 'number') {
      peer.confirmed = Math.max(peer.confirmed, version);
      this.#settle();
    } else this.#parts.others(peer, news);
    return true;
  }

  /** A broker is there no more. */
  lost(id: string): void {
    const peer = this.peers.get(id);
    if (this.#expected.delete(id)) this.#answered?.();
    if (peer === undefined) return;
    this.peers.delete(id);
    this.#parts.routes.remove(peer);
    this.#parts.logger.info({ broker: id }, 'a broker of the cluster has gone');
    this.#parts.gone(peer);
    this.#settle();
  }

  /** @param to - a broker; default: all. */
  tell(news: { readonly op: string; readonly [about: string]: unknown }, to?: string): void {
    this.#parts.plane.tell(writeNews({ ...news, by: this.#parts.id }), to);
  }

  /** A broker of which something has come. @returns `undefined`: there are too many. */
  meet(id: string): Peer | undefined {
    let peer = this.peers.get(id);
    if (peer === undefined && this.peers.size < MAX_PEERS) {
      peer = new Peer(id, this.#parts.clock.monotonic());
      this.peers.set(id, peer);
      this.#parts.logger.info({ broker: id }, 'another broker of the cluster');
    }
    return peer;
  }

  /** Tells all that is provided and wanted here. @param ask - whether others are to do the same. */
  #account(to: string | undefined, ask: boolean): void {
    const parts = [...portions(this.#parts.registrations.all())];
    parts.forEach((news, part) => {
      const more = part < parts.length - 1;
      const about = { version: this.#version, part, more, ask: ask && !more, brokers: [...this.peers.keys()] };
      this.tell({ op: 'account', ...about, news }, to);
    });
  }

  #hearAccount(peer: Peer, version: number, news: News): void {
    const { routes } = this.#parts;
    if (memberOf(news, 'part') === 0) peer.account = [];
    for (const [wanted, count] of readRegistrations(news)) if (count !== undefined) peer.account.push([wanted, count]);
    if (memberOf(news, 'more') === true) return;
    const stands = new Map(peer.account);
    peer.account = [];
    for (const wanted of [...peer.wanted.keys()]) if (!stands.has(wanted)) this.#parts.routes.unset(peer, wanted);
    for (const [wanted, count] of stands) routes.set(peer, wanted, count);
    const first = peer.version < 0;
    peer.version = version;
    this.tell({ op: 'know', version }, peer.id);
    const asks = memberOf(news, 'ask') === true;
    if (asks) this.#account(peer.id, false);
    this.#expected.add(peer.id);
    const brokers = memberOf(news, 'brokers');
    if (this.#answered !== undefined && Array.isArray(brokers)) this.#expect(brokers);
    if (first || asks) this.#parts.came(peer);
    this.#answered?.();
  }

  // One that is not there any more shows by that nobody hears it.
  #expect(brokers: readonly unknown[]): void {
    for (const id of brokers) {
      if (typeof id !== 'string' || id === this.#parts.id || this.#expected.has(id)) continue;
      this.#expected.add(id);
      this.tell({ op: 'ask' }, id);
    }
  }

  #hearDelta(peer: Peer, version: number, news: News): void {
    if (version !== peer.version + 1) {
      // The next beat tells what is missing, if anything is.
      return;
    }
    const { routes } = this.#parts;
    for (const [wanted, count] of readRegistrations(news)) {
      if (count === undefined) routes.unset(peer, wanted);
      else routes.set(peer, wanted, count);
    }
    peer.version = version;
    this.tell({ op: 'know', version }, peer.id);
  }

  #beaten(peer: Peer, version: number): void {
    if (version !== peer.version) this.tell({ op: 'ask' }, peer.id);
  }

  #beat(): void {
    const { clock } = this.#parts;
    if (this.#closed) return;
    const now = clock.monotonic();
    const late = now > this.#due + BEAT;
    for (const peer of this.peers.values()) {
      // Who was asleep itself has not heard anybody.
      if (late) peer.heard = now;
      else if (now - peer.heard > SILENCE) this.lost(peer.id);
    }
    this.tell({ op: 'beat', version: this.#version });
    this.#parts.beat();
    this.#scheduleBeat();
  }

  #scheduleBeat(): void {
    const { clock } = this.#parts;
    this.#due = clock.monotonic() + BEAT;
    this.#cancelBeat = clock.setTimer(BEAT, () => this.#beat());
  }

  #knowAll(version: number): boolean {
    for (const peer of this.peers.values()) if (peer.confirmed < version) return false;
    return true;
  }

  #settle(): void {
    if (this.#waiting.length === 0) return;
    const done = this.#waiting.filter(({ version }) => this.#knowAll(version));
    if (done.length === 0) return;
    this.#waiting = this.#waiting.filter((one) => !done.includes(one));
    for (const { resolve } of done) resolve();
  }
}

/** At least one, perhaps empty. */
function* portions(all: readonly Registration[]): Generator<readonly Registration[]> {
  let portion: Registration[] = [];
  let letters = 0;
  for (const one of all) {
    portion.push(one);
    letters += one[0].length;
    if (letters < PORTION) continue;
    yield portion;
    portion = [];
    letters = 0;
  }
  yield portion;
}

function readRegistrations(news: News): Registration[] {
  const list = memberOf(news, 'news');
  if (!Array.isArray(list)) return [];
  return list.flatMap((one: unknown): Registration[] => {
    if (!Array.isArray(one) || typeof one[0] !== 'string') return [];
    return [[one[0], typeof one[1] === 'number' ? one[1] : undefined]];
  });
}

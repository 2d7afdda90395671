// Presence between brokers of one cluster: whoever lists asks the others in turn, and while somebody watches here, the others tell what
// changes there. Nothing is told, or kept, while nobody asks.

import { stringify } from '../../codecs/json/stringify.js';
import type { Clock } from '../../contracts/index.js';
import { memberOf } from '../../link/kept-control.js';
import type { PresenceBody, PresenceEntry } from '../../link/presence-control.js';
import { PRESENCE_ENTRIES, readEntries } from '../../link/presence-control.js';
import type { Gossip } from './gossip.js';
import type { Peer } from './peer.js';
import type { News } from './told.js';

/** Milliseconds that a broker has for an answer; without one its clients are left out. */
const PATIENCE = 2000;
/** Letters of the entries of one message, about. */
const PORTION = 128 * 1024;

/** Entries of one broker, and whether there are more. */
export interface PresencePage {
  readonly entries: readonly PresenceEntry[];
  readonly more: boolean;
}

/** The broker's own clients. */
export interface OwnPresence {
  /** @param after - an id; `undefined`: from the first on. */
  page(after: string | undefined, limit: number): PresencePage;
  list(): PresenceEntry[];
  /** Tells those who watch here. */
  tell(news: PresenceBody): void;
}

interface Question {
  readonly peer: Peer;
  readonly answer: (page: PresencePage) => void;
}

const NOBODY: PresencePage = { entries: [], more: false };

export class PeerPresence {
  readonly #gossip: Gossip;
  readonly #clock: Clock;
  readonly #id: string;
  #own: OwnPresence | undefined;
  // Brokers where somebody watches.
  readonly #watchers = new Set<Peer>();
  // While somebody watches here: who is connected to others.
  readonly #known = new Map<Peer, Set<string>>();
  readonly #accounts = new Map<Peer, PresenceEntry[]>();
  readonly #questions = new Map<number, Question>();
  #watching = false;
  #asked = 0;

  constructor(gossip: Gossip, clock: Clock, id: string) {
    this.#gossip = gossip;
    this.#clock = clock;
    this.#id = id;
  }

  /** Whether somebody watches at another broker. */
  get watched(): boolean {
    return this.#watchers.size > 0;
  }

  /** @returns what the ids of connections to this broker end with. */
  serve(own: OwnPresence): string {
    this.#own = own;
    return `@${this.#id}`;
  }

  /** Somebody watches here, or nobody does any more. */
  watch(watching: boolean): void {
    if (watching === this.#watching) return;
    this.#watching = watching;
    if (!watching) this.#known.clear();
    // Who begins to watch asks for a list as well.
    for (const peer of this.#gossip.peers.values()) this.#ask(peer, 'ids');
  }

  /** Tells other brokers of what changed here. */
  told(news: PresenceBody): void {
    for (const joined of portions(news.joined)) this.#toWatchers({ joined, changed: [], left: [] });
    for (const changed of portions(news.changed)) this.#toWatchers({ joined: [], changed, left: [] });
    if (news.left.length > 0) this.#toWatchers({ joined: [], changed: [], left: news.left });
  }

  /** All that are connected to brokers of the cluster, broker by broker. @param after - an id. */
  async page(after: string | undefined): Promise<PresencePage> {
    const first = after?.slice(after.indexOf('@') + 1) ?? '';
    const brokers = [this.#id, ...this.#gossip.peers.keys()].filter((id) => id >= first).sort();
    const entries: PresenceEntry[] = [];
    for (const id of brokers) {
      const room = PRESENCE_ENTRIES - entries.length;
      if (room === 0) return { entries, more: true };
      const page = await this.#pageOf(id, id === first ? after : undefined, room);
      entries.push(...page.entries);
      if (page.more) return { entries, more: true };
    }
    return { entries, more: false };
  }

  /** A broker has come, or come back. */
  came(peer: Peer): void {
    if (this.#watching) this.#ask(peer, 'entries');
  }

  gone(peer: Peer): void {
    this.#watchers.delete(peer);
    this.#accounts.delete(peer);
    const left = [...(this.#known.get(peer) ?? [])];
    this.#known.delete(peer);
    if (left.length > 0) this.#own?.tell({ joined: [], changed: [], left });
    for (const [number, { peer: asked, answer }] of this.#questions) {
      if (asked !== peer) continue;
      this.#questions.delete(number);
      answer(NOBODY);
    }
  }

  heard(peer: Peer, news: News): void {
    const entries = readEntries(memberOf(news, 'entries')) ?? [];
    const number = memberOf(news, 'number');
    switch (news.op) {
      case 'presence.watch':
        this.#serve(peer, memberOf(news, 'how'));
        break;
      case 'presence.ids':
        if (this.#watching) for (const id of texts(memberOf(news, 'ids'))) this.#knownAt(peer).add(id);
        break;
      case 'presence.all':
        this.#hearAll(peer, entries, memberOf(news, 'part'), memberOf(news, 'more') === true);
        break;
      case 'presence.news':
        this.#hearNews(peer, news);
        break;
      case 'presence.page':
        this.#answer(peer, news);
        break;
      case 'presence.entries':
        if (typeof number === 'number') {
          this.#questions.get(number)?.answer({ entries, more: memberOf(news, 'more') === true });
        }
        break;
      default:
        break;
    }
  }

  #ask(peer: Peer, how: 'ids' | 'entries'): void {
    this.#gossip.tell({ op: 'presence.watch', how: this.#watching ? how : 'no' }, peer.id);
  }

  #serve(peer: Peer, how: unknown): void {
    if (how === 'no') {
      this.#watchers.delete(peer);
      return;
    }
    this.#watchers.add(peer);
    const all = this.#own?.list() ?? [];
    if (how === 'entries') {
      const parts = [...portions(all), []];
      parts.forEach((entries, part) => {
        this.#gossip.tell({ op: 'presence.all', entries, part, more: part < parts.length - 1 }, peer.id);
      });
      return;
    }
    for (let from = 0; from < all.length; from += PRESENCE_ENTRIES) {
      const ids = all.slice(from, from + PRESENCE_ENTRIES).map(({ id }) => id);
      this.#gossip.tell({ op: 'presence.ids', ids }, peer.id);
    }
  }

  #hearAll(peer: Peer, entries: readonly PresenceEntry[], part: unknown, more: boolean): void {
    if (!this.#watching) return;
    const account = part === 0 ? [] : (this.#accounts.get(peer) ?? []);
    account.push(...entries);
    this.#accounts.set(peer, account);
    if (more) return;
    this.#accounts.delete(peer);
    const known = this.#knownAt(peer);
    const now = new Set(account.map(({ id }) => id));
    const left = [...known].filter((id) => !now.has(id));
    const joined = account.filter(({ id }) => !known.has(id));
    const changed = account.filter(({ id }) => known.has(id));
    this.#known.set(peer, now);
    this.#tell({ joined, changed, left });
  }

  #hearNews(peer: Peer, news: News): void {
    if (!this.#watching) return;
    const known = this.#knownAt(peer);
    const joined = readEntries(memberOf(news, 'joined')) ?? [];
    const changed = readEntries(memberOf(news, 'changed')) ?? [];
    const left = texts(memberOf(news, 'left'));
    for (const { id } of joined) known.add(id);
    for (const id of left) known.delete(id);
    this.#tell({ joined, changed, left });
  }

  #answer(peer: Peer, news: News): void {
    const after = memberOf(news, 'after');
    const limit = Math.min(Number(memberOf(news, 'limit')), PRESENCE_ENTRIES);
    const page = this.#own?.page(typeof after === 'string' ? after : undefined, limit) ?? NOBODY;
    const [entries = [], ...rest] = portions(page.entries);
    const more = page.more || rest.length > 0;
    this.#gossip.tell({ op: 'presence.entries', number: memberOf(news, 'number'), entries, more }, peer.id);
  }

  async #pageOf(id: string, after: string | undefined, limit: number): Promise<PresencePage> {
    if (id === this.#id) return this.#own?.page(after, limit) ?? NOBODY;
    const peer = this.#gossip.peers.get(id);
    if (peer === undefined) return NOBODY;
    const number = ++this.#asked;
    return new Promise((resolve) => {
      const answer = (page: PresencePage): void => {
        cancel();
        this.#questions.delete(number);
        resolve(page);
      };
      const cancel = this.#clock.setTimer(PATIENCE, () => answer(NOBODY));
      this.#questions.set(number, { peer, answer });
      this.#gossip.tell({ op: 'presence.page', number, limit, ...(after !== undefined && { after }) }, id);
    });
  }

  #toWatchers(news: PresenceBody): void {
    for (const peer of this.#watchers) this.#gossip.tell({ op: 'presence.news', ...news }, peer.id);
  }

  #tell(news: PresenceBody): void {
    if (news.joined.length + news.changed.length + news.left.length > 0) this.#own?.tell(news);
  }

  #knownAt(peer: Peer): Set<string> {
    let known = this.#known.get(peer);
    if (known === undefined) this.#known.set(peer, (known = new Set()));
    return known;
  }
}

function* portions(entries: readonly PresenceEntry[]): Generator<PresenceEntry[]> {
  let portion: PresenceEntry[] = [];
  let letters = 0;
  for (const entry of entries) {
    const { length } = stringify(entry);
    if (portion.length > 0 && letters + length > PORTION) {
      yield portion;
      portion = [];
      letters = 0;
    }
    portion.push(entry);
    letters += length;
  }
  if (portion.length > 0) yield portion;
}

function texts(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((one) => typeof one === 'string') : [];
}

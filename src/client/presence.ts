// Who is connected to the same broker, as the broker tells it.

import { SpokeError } from '../contracts/index.js';
import { memberOf } from '../link/kept-control.js';
import type { PresenceBody, PresenceEntry } from '../link/presence-control.js';
import * as presenceControl from '../link/presence-control.js';
import type { Offer } from './offer.js';
import type { WaitOptions } from './options.js';
import { textOf } from './report.js';
import type { Requests } from './requests.js';

export type { PresenceBody as PresenceNews, PresenceEntry } from '../link/presence-control.js';

/** What a client says of itself. */
export interface About {
  readonly name?: string;
  /** A value in the domain of the codec. */
  readonly meta?: unknown;
}

export interface PresenceHost {
  readonly offer: Offer;
  readonly requests: Requests;
  /** Sends a control message to the broker. */
  tell(channel: string, body: unknown): void;
  report(error: SpokeError): void;
  /** What the client says of itself. */
  readonly about: About | undefined;
}

/** Is told who came, changed and went. */
export type PresenceListener = (news: PresenceBody) => void;

/**
 * The connections of the client's broker, or of all brokers of its cluster: of all programs, also of those that know nothing of
 * presence. Not those of other brokers beyond bridges. It takes the right to subscribe to `-presence/**`.
 */
export class Presence {
  readonly #host: PresenceHost;
  readonly #listeners = new Set<PresenceListener>();
  readonly #known = new Map<string, PresenceEntry>();
  /** What came while the list was asked for. */
  #early: PresenceBody[] | undefined;
  /** A new connection may have it asked for while it still is. */
  #loads = 0;

  /** @internal */
  constructor(host: PresenceHost) {
    this.#host = host;
    host.offer.onDecided((features) => {
      if (!features.has('presence')) return;
      if (host.about !== undefined) host.tell(presenceControl.ABOUT, host.about);
      if (this.#listeners.size > 0) this.#load({}).catch((error: unknown) => this.#report(error));
    });
  }

  /**
   * All there are now, in the order in which they came.
   * @throws {SpokeError} `FORBIDDEN`, `UNSUPPORTED`, `TIMEOUT`, `ABORTED`, `CLOSED`.
   */
  async list(options: WaitOptions = {}): Promise<PresenceEntry[]> {
    const all: PresenceEntry[] = [];
    for (;;) {
      const after = all.at(-1)?.id;
      const body = { op: 'presence.list', ...(after !== undefined && { after }) };
      const answer = await this.#host.requests.ask(body, options);
      const entries = presenceControl.readEntries(memberOf(answer, 'entries'));
      if (entries === undefined) {
        throw new SpokeError('REPLY_MALFORMED', "the broker's answer to presence.list is malformed");
      }
      all.push(...entries);
      if (memberOf(answer, 'more') !== true || entries.length === 0) return all;
    }
  }

  /**
   * Tells of all there are, as `joined`, and then of whoever comes, changes and leaves. After a reconnect what is different is
   * told; every connection has another id then.
   * @param listener - what it throws is reported as the client's `error` event.
   * @returns a function that ends it.
   * @throws {SpokeError} as `list`.
   */
  async watch(listener: PresenceListener, options: WaitOptions = {}): Promise<() => Promise<void>> {
    const first = this.#listeners.size === 0;
    this.#listeners.add(listener);
    try {
      if (first) await this.#load(options);
      else this.#call(listener, { joined: [...this.#known.values()], changed: [], left: [] });
    } catch (error) {
      this.#listeners.delete(listener);
      throw error;
    }
    const stop = async () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      this.#known.clear();
      await this.#host.requests.ask({ op: 'presence.unwatch' }).catch(() => {});
    };
    options.signal?.addEventListener('abort', () => void stop(), { once: true });
    return stop;
  }

  /** Not for users: the broker's news. */
  heard(news: PresenceBody): void {
    if (this.#early !== undefined) this.#early.push(news);
    else this.#apply(news);
  }

  async #load(options: WaitOptions): Promise<void> {
    this.#early ??= [];
    this.#loads++;
    try {
      await this.#host.requests.ask({ op: 'presence.watch' }, options);
      const entries = await this.list(options);
      const ids = new Set(entries.map(({ id }) => id));
      const left = [...this.#known.keys()].filter((id) => !ids.has(id));
      const joined = entries.filter(({ id }) => !this.#known.has(id));
      this.#apply({ joined, changed: [], left });
    } finally {
      if (--this.#loads === 0) {
        const early = this.#early ?? [];
        this.#early = undefined;
        for (const news of early) this.#apply(news);
      }
    }
  }

  // What the list told already is not told again.
  #apply(news: PresenceBody): void {
    const joined: PresenceEntry[] = [];
    const changed: PresenceEntry[] = [];
    for (const entry of [...news.joined, ...news.changed]) {
      if (this.#known.has(entry.id)) changed.push(entry);
      else joined.push(entry);
      this.#known.set(entry.id, entry);
    }
    const left = news.left.filter((id) => this.#known.delete(id));
    if (joined.length + changed.length + left.length === 0) return;
    for (const listener of [...this.#listeners]) this.#call(listener, { joined, changed, left });
  }

  #call(listener: PresenceListener, news: PresenceBody): void {
    try {
      listener(news);
    } catch (error) {
      this.#host.report(new SpokeError('HANDLER_FAILED', `listener of presence: ${textOf(error)}`, { cause: error }));
    }
  }

  #report(error: unknown): void {
    if (error instanceof SpokeError && error.code !== 'CLOSED') this.#host.report(error);
  }
}

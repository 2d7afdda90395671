// An engine inside one process, with the faults of a real one: the reference implementation, and what tests hold in hand.

import { matches } from '../../channels/index.js';
import type { Clock, HistoryRule } from '../../contracts/index.js';
import { Histories, requireHistoryRules } from '../histories.js';
import type { PendingKeep } from '../pending-keeps.js';
import type { Engine, EngineEntry, EngineMember } from './engine-member.js';
import { Log } from './log.js';
import { MemoryBackplane } from './memory-backplane.js';

export interface MemoryEngineOptions {
  readonly clock: Clock;
  /** Milliseconds that something takes to the engine, or from it; asked each time. Default: none. */
  readonly latency?: () => number;
  /** What is kept as history. Default: nothing. */
  readonly history?: readonly HistoryRule[];
}

// Ids remembered; an engine of the world's remembers by time.
const MAX_IDS = 100_000;

export class MemoryEngine implements Engine {
  readonly clock: Clock;
  readonly latency: () => number;
  /** Of what it keeps: another one, when it lost all. */
  generation = 1;
  readonly histories = new Histories<Log>();
  readonly #members = new Set<EngineMember>();
  readonly #backplanes = new Set<MemoryBackplane>();
  readonly #away = new Set<string>();
  // In the order of their revisions.
  readonly #entries = new Map<string, EngineEntry>();
  readonly #ids = new Set<string>();
  readonly #recordedIds = new Set<string>();
  #revision = 0;
  #running = true;

  /** @throws {TypeError} for a history that makes no sense. */
  constructor({ clock, latency = () => 0, history = [] }: MemoryEngineOptions) {
    this.clock = clock;
    this.latency = latency;
    this.keepHistory(...history);
  }

  /** What is kept last, by channel; for tests. */
  get entries(): ReadonlyMap<string, Uint8Array> {
    return new Map([...this.#entries].map(([channel, { data }]) => [channel, data]));
  }

  /** A backplane for one broker. @param name - for `partition`. */
  backplane(name: string): MemoryBackplane {
    const backplane = new MemoryBackplane(this, name);
    this.#backplanes.add(backplane);
    return backplane;
  }

  /**
   * Keeps history from now on, beside what it keeps already.
   * @throws {TypeError} for a history that makes no sense.
   */
  keepHistory(...rules: readonly HistoryRule[]): void {
    const logs = this.histories.all();
    const added = requireHistoryRules([...logs.map(({ rule }) => rule), ...rules]).slice(logs.length);
    this.histories.set([...logs, ...added.map((rule) => this.#log(rule))]);
  }

  /** The engine ends: what is on its way is lost, what it has acknowledged is not. */
  stop(): void {
    this.#running = false;
    this.#look();
  }

  /** @param empty - whether it comes back without what it had kept. */
  start({ empty = false }: { readonly empty?: boolean } = {}): void {
    if (empty) {
      this.generation++;
      this.#entries.clear();
      this.#ids.clear();
      this.#recordedIds.clear();
      this.histories.set(this.histories.all().map(({ rule }) => this.#log(rule)));
      this.#revision = 0;
    }
    this.#running = true;
    this.#look();
  }

  /** The connections of these brokers break, and come back with `heal`. */
  partition(...names: readonly string[]): void {
    for (const name of names) this.#away.add(name);
    this.#look();
  }

  heal(): void {
    this.#away.clear();
    this.#look();
  }

  /** Takes in nothing until it is told otherwise, and breaks no connection. */
  stall(stalled: boolean): void {
    for (const backplane of this.#backplanes) backplane.stall(stalled);
  }

  reaches(name: string): boolean {
    return this.#running && !this.#away.has(name);
  }

  join(member: EngineMember): void {
    this.#members.add(member);
  }

  leave(member: EngineMember): void {
    this.#members.delete(member);
  }

  closed(backplane: { readonly name: string }): void {
    for (const one of this.#backplanes) if (one === backplane) this.#backplanes.delete(one);
  }

  publish(from: EngineMember, channel: string, data: Uint8Array): void {
    for (const member of this.#members) {
      if (member === from) continue;
      // Once for each pattern, as engines do.
      for (const pattern of member.patterns) {
        if (matches(pattern, channel)) member.deliver(data.length, () => member.message(data));
      }
    }
  }

  keep(from: EngineMember, { number, channel, data, id, after }: PendingKeep): void {
    this.publish(from, channel, data);
    const last = this.#entries.get(channel)?.revision ?? 0;
    const fresh = !this.#ids.has(id) && (after === undefined || after === last);
    if (fresh) {
      remember(this.#ids, id);
      const entry = { channel, data, revision: ++this.#revision };
      this.#entries.delete(channel);
      this.#entries.set(channel, entry);
      for (const member of this.#members) member.deliver(data.length, () => member.kept(entry));
    }
    from.deliver(0, () => from.answered(number, { fresh }));
  }

  record(from: EngineMember, { number, channel, data, id }: PendingKeep): void {
    this.publish(from, channel, data);
    const fresh = !this.#recordedIds.has(id);
    if (fresh) {
      remember(this.#recordedIds, id);
      this.histories.of(channel)?.append(channel, data);
    }
    from.deliver(0, () => from.recorded(number, { fresh }));
  }

  forget(channel: string, revision: number): void {
    if ((this.#entries.get(channel)?.revision ?? Infinity) <= revision) this.#entries.delete(channel);
  }

  /** What is kept and newer, in order. */
  after(revision: number): EngineEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.revision > revision);
  }

  tell(from: EngineMember, data: Uint8Array, to: string | undefined): void {
    let heard = false;
    for (const member of this.#members) {
      if (member === from || (to !== undefined && member.id !== to)) continue;
      heard = true;
      member.deliver(data.length, () => member.told(data));
    }
    if (!heard && to !== undefined) from.deliver(0, () => from.unheard(to));
  }

  #log(rule: HistoryRule): Log {
    return new Log(rule, String(this.generation), this.clock);
  }

  #look(): void {
    for (const backplane of this.#backplanes) backplane.look();
  }
}

function remember(ids: Set<string>, id: string): void {
  ids.add(id);
  if (ids.size <= MAX_IDS) return;
  for (const oldest of ids) {
    ids.delete(oldest);
    break;
  }
}

// One broker's connection to a `MemoryEngine`.

import type { Backplane, BackplaneOptions, BackplaneStats, Kept, KeepOptions } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import type { PendingKeep } from '../pending-keeps.js';
import { PendingKeeps } from '../pending-keeps.js';
import { widenedToEnd } from '../widened.js';
import type { Engine, EngineMember } from './engine-member.js';
import { MemoryHistory } from './memory-history.js';
import { Pipe } from './pipe.js';

export class MemoryBackplane implements Backplane {
  readonly joins = true;
  readonly name: string;
  readonly history: MemoryHistory;
  readonly #engine: Engine;
  readonly #out: Pipe;
  readonly #in: Pipe;
  readonly #patterns = new Set<string>();
  readonly #counters = { sent: 0, received: 0, dropped: 0 };
  #options: BackplaneOptions | undefined;
  #keeps: PendingKeeps | undefined;
  readonly #records: PendingKeeps;
  #asked: ((error: SpokeError) => void)[] = [];
  /** There while it is connected. */
  #member: EngineMember | undefined;
  #flushes: (() => void)[] = [];
  #revision = 0;
  #generation = 0;
  #closed = false;
  // What the engine knows of this connection.
  #engineSide = new Set<string>();

  constructor(engine: Engine, name: string) {
    this.#engine = engine;
    this.name = name;
    this.#out = new Pipe(engine.clock, engine.latency);
    this.#in = new Pipe(engine.clock, engine.latency);
    this.#records = new PendingKeeps(
      engine.clock,
      () => this.#options?.pendingBytes ?? 0,
      (record) => this.#sendRecord(record),
    );
    this.history = new MemoryHistory({
      histories: engine.histories,
      records: this.#records,
      ask: (run) => this.#ask(run),
      send: (run) => {
        if (this.#member !== undefined) this.#out.push(0, run);
      },
      deliver: (bytes, run) => this.#in.push(bytes, run),
    });
  }

  get stats(): BackplaneStats {
    return {
      kind: 'memory',
      engine: 'memory',
      reachable: this.#member !== undefined,
      ...this.#counters,
      pendingBytes: this.#out.bytes + (this.#keeps?.bytes ?? 0) + this.#records.bytes,
    };
  }

  async open(options: BackplaneOptions): Promise<void> {
    this.#options = options;
    this.#keeps = new PendingKeeps(
      this.#engine.clock,
      () => options.pendingBytes,
      (keep) => this.#sendKeep(keep),
    );
    options.signal.throwIfAborted();
    if (!this.#engine.reaches(this.name)) {
      throw new SpokeError('CONNECT_FAILED', `${this.name} does not reach the memory engine`, { retryable: true });
    }
    this.look();
    await this.flush();
  }

  refuses(): SpokeError | undefined {
    return undefined;
  }

  widened(pattern: string): string {
    return widenedToEnd(pattern);
  }

  subscribe(pattern: string): void {
    this.#command(
      () => this.#patterns.add(pattern),
      () => this.#engineSide.add(pattern),
    );
  }

  unsubscribe(pattern: string): void {
    this.#command(
      () => this.#patterns.delete(pattern),
      () => this.#engineSide.delete(pattern),
    );
  }

  async flush(): Promise<void> {
    const member = this.#member;
    if (member === undefined) return;
    await new Promise<void>((resolve) => {
      this.#flushes.push(resolve);
      this.#out.push(0, () => {
        member.deliver(0, () => this.#flushes.shift()?.());
      });
    });
  }

  publish(channel: string, data: Uint8Array): void {
    const member = this.#member;
    if (member === undefined || this.#out.bytes + data.length > (this.#options?.pendingBytes ?? 0)) {
      this.#counters.dropped++;
      return;
    }
    this.#counters.sent++;
    this.#out.push(data.length, () => this.#engine.publish(member, channel, data));
  }

  async keep(channel: string, data: Uint8Array, options: KeepOptions): Promise<Kept> {
    if (this.#keeps === undefined || this.#closed) throw new SpokeError('CLOSED', 'the backplane is closed');
    return this.#keeps.add(channel, data, options);
  }

  forget(channel: string, revision: number): void {
    if (this.#member !== undefined) this.#out.push(0, () => this.#engine.forget(channel, revision));
  }

  tell(data: Uint8Array, to?: string): void {
    const member = this.#member;
    if (member === undefined || this.#out.bytes + data.length > (this.#options?.pendingBytes ?? 0)) return;
    this.#out.push(data.length, () => this.#engine.tell(member, data, to));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.flush();
    this.crash();
  }

  /** Its broker is killed: what it has not sent is lost. */
  crash(): void {
    this.#closed = true;
    this.look();
    this.#engine.closed(this);
    this.#keeps?.close();
    this.#records.close();
  }

  /** Whether the engine can be reached may have changed. */
  look(): void {
    const options = this.#options;
    if (options === undefined) return;
    const reachable = !this.#closed && this.#engine.reaches(this.name);
    if (reachable === (this.#member !== undefined)) return;
    if (reachable) this.#connect(options);
    else this.#disconnect(options);
  }

  stall(stalled: boolean): void {
    this.#out.hold(stalled);
  }

  #connect({ id, handler }: BackplaneOptions): void {
    this.#engineSide = new Set(this.#patterns);
    const member: EngineMember = {
      id,
      patterns: this.#engineSide,
      deliver: (bytes, run) => {
        if (this.#member === member) this.#in.push(bytes, run);
      },
      message: (data) => {
        this.#counters.received++;
        handler.message(data);
      },
      kept: ({ channel, data, revision }) => {
        this.#counters.received++;
        this.#revision = revision;
        handler.kept(channel, data, revision);
      },
      told: (data) => handler.told(data),
      unheard: (other) => handler.unheard(other),
      answered: (number, kept) => this.#keeps?.answered(number, kept),
      recorded: (number, kept) => this.#records.answered(number, kept),
    };
    this.#member = member;
    const emptied = this.#generation !== 0 && this.#generation !== this.#engine.generation;
    this.#generation = this.#engine.generation;
    if (emptied) this.#revision = 0;
    this.#in.push(0, () => {
      handler.reachable(true);
      if (emptied) handler.emptied();
    });
    this.#out.push(0, () => {
      this.#engine.join(member);
      for (const entry of this.#engine.after(this.#revision)) member.deliver(0, () => member.kept(entry));
    });
    this.#keeps?.resend();
    this.#records.resend();
    this.history.connected();
  }

  #disconnect({ handler }: BackplaneOptions): void {
    if (this.#member !== undefined) this.#engine.leave(this.#member);
    this.#member = undefined;
    this.#out.clear();
    this.#in.clear();
    const flushes = this.#flushes;
    this.#flushes = [];
    for (const resolve of flushes) resolve();
    this.history.lost();
    for (const reject of this.#asked.splice(0)) reject(away());
    if (!this.#closed) this.#in.push(0, () => handler.reachable(false));
  }

  #sendKeep(keep: PendingKeep): void {
    const member = this.#member;
    if (member === undefined) return;
    this.#counters.sent++;
    this.#out.push(keep.data.length, () => this.#engine.keep(member, keep));
  }

  #sendRecord(record: PendingKeep): void {
    const member = this.#member;
    if (member === undefined) return;
    this.#counters.sent++;
    this.#out.push(record.data.length, () => this.#engine.record(member, record));
  }

  #ask<T>(run: () => T): Promise<T> {
    const member = this.#member;
    if (member === undefined) return Promise.reject(away());
    return new Promise((resolve, reject) => {
      this.#asked.push(reject);
      const answer = (settle: () => void): void => {
        member.deliver(0, () => {
          this.#asked = this.#asked.filter((other) => other !== reject);
          settle();
        });
      };
      this.#out.push(0, () => {
        try {
          const result = run();
          answer(() => resolve(result));
        } catch (error) {
          answer(() => reject(error));
        }
      });
    });
  }

  // Here at once; at the engine when it arrives.
  #command(here: () => void, there: () => void): void {
    here();
    const side = this.#engineSide;
    if (this.#member !== undefined) {
      this.#out.push(0, () => {
        if (side === this.#engineSide) there();
      });
    }
  }
}

function away(): SpokeError {
  return new SpokeError('STORE_FAILED', 'the memory engine is out of reach', { retryable: true });
}

// One history in a `MemoryEngine`: what was recorded, who reads it, and what is known of its durables.

import { matches } from '../../channels/index.js';
import type { Clock, HistoryDurable, HistoryFrom, HistoryRule } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { Durable } from './durable.js';
import type { DurableLog, Reading, Recorded } from './reading.js';

export class Log implements DurableLog {
  readonly rule: HistoryRule;
  readonly epoch: string;
  readonly #clock: Clock;
  readonly #readings = new Set<Reading>();
  readonly #durables = new Map<string, Durable>();
  #entries: Recorded[] = [];
  #bytes = 0;
  #last = 0;

  constructor(rule: HistoryRule, epoch: string, clock: Clock) {
    this.rule = rule;
    this.epoch = epoch;
    this.#clock = clock;
  }

  get pattern(): string {
    return this.rule.pattern;
  }

  append(channel: string, data: Uint8Array): void {
    this.#entries.push({ channel, data, sequence: ++this.#last, stored: this.#clock.now() });
    this.#bytes += data.length;
    this.#trim();
    for (const reading of this.#readings) this.#pump(reading);
    for (const durable of this.#durables.values()) durable.pump();
  }

  /** Where reading begins. */
  place(from: HistoryFrom): number {
    this.#trim();
    if (from === 'start') return 1;
    if (from === 'new') return this.#last + 1;
    if ('time' in from) {
      return this.#entries.find(({ stored }) => stored >= from.time)?.sequence ?? this.#last + 1;
    }
    return from.epoch !== undefined && from.epoch !== this.epoch ? 1 : from.sequence;
  }

  /** The durable of this name, made if there is none. @throws {SpokeError} `DUPLICATE` */
  durable(name: string, pattern: string, from: HistoryFrom): Durable {
    let durable = this.#durables.get(name);
    if (durable === undefined) {
      durable = new Durable(name, pattern, this.place(from), this, this.#clock);
      this.#durables.set(name, durable);
    } else if (durable.pattern !== pattern) {
      throw new SpokeError('DUPLICATE', `this durable has the pattern ${durable.pattern}`);
    }
    return durable;
  }

  durables(): HistoryDurable[] {
    return [...this.#durables.values()].map((durable) => ({
      name: durable.name,
      pattern: durable.pattern,
      waiting: this.#count(durable.next, durable.pattern),
      unfinished: durable.unfinished,
    }));
  }

  find(name: string): Durable | undefined {
    return this.#durables.get(name);
  }

  remove(name: string): boolean {
    const durable = this.#durables.get(name);
    this.#durables.delete(name);
    durable?.end();
    return durable !== undefined;
  }

  attach(reading: Reading): void {
    reading.until ??= this.#last;
    this.#readings.add(reading);
    this.#pump(reading);
  }

  detach(reading: Reading): void {
    this.#readings.delete(reading);
  }

  more(reading: Reading): void {
    if (this.#readings.has(reading)) this.#pump(reading);
  }

  /** The next that matches, from a sequence on. */
  after(sequence: number, pattern: string): Recorded | undefined {
    this.#trim();
    const first = this.#entries[0]?.sequence ?? 0;
    for (let at = Math.max(0, sequence - first); at < this.#entries.length; at++) {
      const entry = this.#entries[at];
      if (entry !== undefined && matches(pattern, entry.channel)) return entry;
    }
    return undefined;
  }

  get(sequence: number): Recorded | undefined {
    this.#trim();
    return this.#entries[sequence - (this.#entries[0]?.sequence ?? 0)];
  }

  get last(): number {
    return this.#last;
  }

  #pump(reading: Reading): void {
    let entry = this.after(reading.next, reading.pattern);
    while (entry !== undefined && reading.room > 0) {
      this.#told(reading, entry.sequence);
      reading.room--;
      reading.next = entry.sequence + 1;
      reading.tell({ data: entry.data, sequence: entry.sequence, stored: entry.stored, deliveries: 1 });
      entry = this.after(reading.next, reading.pattern);
    }
    this.#told(reading, entry?.sequence ?? Infinity);
  }

  // The next one there is for it is this.
  #told(reading: Reading, next: number): void {
    if (reading.until === undefined || next <= reading.until) return;
    reading.until = undefined;
    reading.caughtUp();
  }

  #count(from: number, pattern: string): number {
    return this.#entries.filter(({ sequence, channel }) => sequence >= from && matches(pattern, channel)).length;
  }

  #trim(): void {
    const { maxAge = Infinity, maxBytes = Infinity, maxMessages = Infinity } = this.rule;
    const oldest = this.#clock.now() - maxAge;
    let gone = 0;
    for (const { data, stored } of this.#entries) {
      if (this.#entries.length - gone <= maxMessages && this.#bytes <= maxBytes && stored >= oldest) break;
      this.#bytes -= data.length;
      gone++;
    }
    if (gone > 0) this.#entries = this.#entries.slice(gone);
  }
}

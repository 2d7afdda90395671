// A durable subscription in a `MemoryEngine`: where it is, who has been given what, and what comes again.

import type { Clock } from '../../contracts/index.js';
import { HISTORY_LEASE, HISTORY_UNFINISHED, SpokeError } from '../../contracts/index.js';
import type { DurableLog, Reading, Recorded } from './reading.js';

interface Given {
  deliveries: number;
  /** Who has it; `undefined`: it comes again. */
  holder: Reading | undefined;
  /** When it comes again, by the monotonic clock; of what somebody has: `Infinity`, or the end of its lease. */
  due: number;
}

export class Durable {
  readonly name: string;
  readonly pattern: string;
  next: number;
  readonly #log: DurableLog;
  readonly #clock: Clock;
  // In the order in which they take turns.
  readonly #readings = new Set<Reading>();
  readonly #given = new Map<number, Given>();
  #cancelTimer: (() => void) | undefined;

  constructor(name: string, pattern: string, next: number, log: DurableLog, clock: Clock) {
    this.name = name;
    this.pattern = pattern;
    this.next = next;
    this.#log = log;
    this.#clock = clock;
  }

  get unfinished(): number {
    return this.#given.size;
  }

  /** @param held - what it was given before its connection broke: it is its own again, if nobody else has it. */
  attach(reading: Reading, held: readonly number[]): void {
    this.#readings.add(reading);
    for (const sequence of held) {
      const given = this.#given.get(sequence);
      if (given?.holder !== undefined && given.due !== Infinity)
        this.#given.set(sequence, { ...given, holder: reading, due: Infinity });
    }
    reading.until ??= this.#log.last;
    this.pump();
  }

  /** @param released - whether what it has goes to others at once; else when its lease is over. */
  detach(reading: Reading, released: boolean): void {
    this.#readings.delete(reading);
    const due = this.#clock.monotonic() + (released ? 0 : HISTORY_LEASE);
    for (const given of this.#given.values()) {
      if (given.holder !== reading) continue;
      given.due = due;
      if (released) given.holder = undefined;
    }
    this.pump();
  }

  done(sequence: number): void {
    this.#given.delete(sequence);
    this.pump();
  }

  again(sequence: number, delay: number): void {
    const given = this.#given.get(sequence);
    if (given === undefined) return;
    given.holder = undefined;
    given.due = this.#clock.monotonic() + delay;
    this.pump();
  }

  end(): void {
    this.#cancelTimer?.();
    const error = new SpokeError('CLOSED', 'this durable was removed');
    for (const reading of this.#readings) reading.ended(error);
    this.#readings.clear();
  }

  pump(): void {
    for (let reading = this.#ready(); reading !== undefined; reading = this.#ready()) {
      const entry = this.#due() ?? this.#fresh();
      if (entry === undefined) break;
      this.#give(reading, entry);
    }
    for (const reading of this.#readings) this.#look(reading);
    this.#schedule();
  }

  #give(reading: Reading, { data, sequence, stored }: Recorded): void {
    // The others come before it the next time.
    this.#readings.delete(reading);
    this.#readings.add(reading);
    reading.room--;
    const deliveries = (this.#given.get(sequence)?.deliveries ?? 0) + 1;
    this.#given.set(sequence, { deliveries, holder: reading, due: Infinity });
    reading.tell({ data, sequence, stored, deliveries });
  }

  #ready(): Reading | undefined {
    for (const reading of this.#readings) if (reading.room > 0) return reading;
    return undefined;
  }

  #due(): Recorded | undefined {
    const now = this.#clock.monotonic();
    for (const [sequence, { due }] of this.#given) {
      if (due > now) continue;
      const entry = this.#log.get(sequence);
      if (entry !== undefined) return entry;
      this.#given.delete(sequence);
    }
    return undefined;
  }

  #fresh(): Recorded | undefined {
    if (this.#given.size >= HISTORY_UNFINISHED) return undefined;
    const entry = this.#log.after(this.next, this.pattern);
    if (entry !== undefined) this.next = entry.sequence + 1;
    return entry;
  }

  #look(reading: Reading): void {
    if (reading.until === undefined) return;
    const next = this.#log.after(this.next, this.pattern)?.sequence ?? Infinity;
    if (next <= reading.until) return;
    reading.until = undefined;
    reading.caughtUp();
  }

  #schedule(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#readings.size === 0) return;
    const now = this.#clock.monotonic();
    const due = Math.min(...[...this.#given.values()].map((given) => given.due).filter((at) => at > now));
    if (due === Infinity) return;
    this.#cancelTimer = this.#clock.setTimer(due - now, () => {
      this.#cancelTimer = undefined;
      this.pump();
    });
  }
}

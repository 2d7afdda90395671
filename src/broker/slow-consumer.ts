// What waits for one connection that does not read, when it has said what may be left out.

import { matches } from '../channels/index.js';
import type { SlowPolicy } from '../link/slow-control.js';

/** Messages of one pattern that wait at the most under `drop-oldest`. */
const MOST_MESSAGES = 1000;
/** Channels of which the answer is remembered. */
const REMEMBERED = 1024;
// Of several patterns that match, the one that leaves out least decides.
const STRICTEST: readonly SlowPolicy[] = ['disconnect', 'hold', 'drop-oldest', 'latest'];

/** What holds for a channel. */
export interface Verdict {
  readonly policy: SlowPolicy;
  /** Those that match and have a policy: told of what is left out. */
  readonly patterns: readonly string[];
}

interface Entry {
  readonly channel: string;
  readonly frame: Uint8Array;
  readonly verdict: Verdict;
}

/** The policies of one session, and its queue while it does not read. */
export class SlowConsumer {
  /** By canonical pattern. */
  readonly policies = new Map<string, SlowPolicy>();
  /** By pattern: left out, and not told yet. */
  readonly missed = new Map<string, number>();
  readonly #patterns: ReadonlySet<string>;
  readonly #verdicts = new Map<string, Verdict>();
  // In order; those that were replaced or dropped are no longer in it.
  readonly #queue = new Set<Entry>();
  readonly #latest = new Map<string, Entry>();
  #droppable = 0;
  #bytes = 0;

  /** @param patterns - what the session is subscribed to. */
  constructor(patterns: ReadonlySet<string>) {
    this.#patterns = patterns;
  }

  /** Messages that wait here. */
  get size(): number {
    return this.#queue.size;
  }

  /** Of their frames. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The session's patterns or policies have changed. */
  changed(): void {
    this.#verdicts.clear();
  }

  verdict(channel: string): Verdict {
    let verdict = this.#verdicts.get(channel);
    if (verdict === undefined) {
      if (this.#verdicts.size >= REMEMBERED) this.#verdicts.clear();
      this.#verdicts.set(channel, (verdict = this.#judge(channel)));
    }
    return verdict;
  }

  /** Queues a message, and leaves out those that may go for it. @param most - bytes that wait here at the most. */
  add(channel: string, frame: Uint8Array, most: number): void {
    const verdict = this.verdict(channel);
    const entry = { channel, frame, verdict };
    if (verdict.policy === 'latest') {
      const older = this.#latest.get(channel);
      if (older !== undefined) this.#leaveOut(older);
      this.#latest.set(channel, entry);
    }
    this.#queue.add(entry);
    this.#bytes += frame.length;
    if (isDroppable(entry)) this.#droppable++;
    while (this.#droppable > 0 && (this.#bytes > most || this.#droppable > MOST_MESSAGES)) this.#dropOldest();
  }

  /** The next one. */
  take(): Uint8Array | undefined {
    const [entry] = this.#queue;
    if (entry === undefined) return undefined;
    this.#remove(entry);
    return entry.frame;
  }

  #judge(channel: string): Verdict {
    const matching = [...this.#patterns].filter((pattern) => matches(pattern, channel));
    const policies = matching.map((pattern) => this.policies.get(pattern) ?? 'disconnect');
    return {
      policy: STRICTEST.find((policy) => policies.includes(policy)) ?? 'disconnect',
      patterns: matching.filter((pattern) => this.policies.has(pattern)),
    };
  }

  #dropOldest(): void {
    for (const entry of this.#queue) {
      if (!isDroppable(entry)) continue;
      this.#leaveOut(entry);
      return;
    }
  }

  #leaveOut(entry: Entry): void {
    this.#remove(entry);
    for (const pattern of entry.verdict.patterns) this.missed.set(pattern, (this.missed.get(pattern) ?? 0) + 1);
  }

  #remove(entry: Entry): void {
    this.#queue.delete(entry);
    this.#bytes -= entry.frame.length;
    if (isDroppable(entry)) this.#droppable--;
    if (this.#latest.get(entry.channel) === entry) this.#latest.delete(entry.channel);
  }
}

function isDroppable({ verdict }: Entry): boolean {
  return verdict.policy === 'drop-oldest' || verdict.policy === 'latest';
}

// This broker's copy of what the engine keeps, and what is done where the two differ: the newer one is written again.

import type { Backplane, Clock, Logger, MessageStore } from '../../contracts/index.js';
import type { Tombstones } from '../tombstones.js';
import { Kind, writeEnvelope } from './envelope.js';

// Milliseconds. Another broker may be quicker, and then there is nothing left to do.
const SHORTEST_WAIT = 100;
const LONGEST_WAIT = 500;
/** Written again in one go. */
const PORTION = 256;

export interface MirrorParts {
  readonly plane: Backplane;
  readonly store: MessageStore;
  readonly tombstones: Tombstones;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  /** The broker's own id, and the next number of what it publishes. */
  readonly id: string;
  readonly next: () => number;
}

export class Mirror {
  /** Written again since the start. */
  repaired = 0;
  readonly #parts: MirrorParts;
  // The engine's last revision of each channel.
  readonly #revisions = new Map<string, number>();
  readonly #stale = new Set<string>();
  #cancelTimer: (() => void) | undefined;
  #closed = false;

  constructor(parts: MirrorParts) {
    this.#parts = parts;
  }

  get stale(): number {
    return this.#stale.size;
  }

  revision(channel: string): number | undefined {
    return this.#revisions.get(channel);
  }

  /** The engine keeps this. @param agrees - whether it is what this broker has. */
  heard(channel: string, revision: number, agrees: boolean): void {
    this.#revisions.set(channel, revision);
    if (agrees) this.#stale.delete(channel);
    else this.differs(channel);
  }

  /** What this broker has is newer, as far as it knows. */
  differs(channel: string): void {
    this.#stale.add(channel);
    this.#schedule();
  }

  /** The engine has lost everything. */
  emptied(): void {
    const { store, tombstones } = this.#parts;
    this.#revisions.clear();
    for (const { channel } of store.match('**')) this.#stale.add(channel);
    for (const [channel] of tombstones.matching(['**'])) this.#stale.add(channel);
    this.#schedule();
  }

  /** It is there again. */
  reachable(): void {
    this.#schedule();
  }

  forget(channel: string): void {
    const revision = this.#revisions.get(channel);
    this.#stale.delete(channel);
    if (revision === undefined) return;
    this.#revisions.delete(channel);
    this.#parts.plane.forget(channel, revision);
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
  }

  #schedule(): void {
    const { clock, random } = this.#parts;
    if (this.#stale.size === 0 || this.#cancelTimer !== undefined || this.#closed) return;
    this.#cancelTimer = clock.setTimer(SHORTEST_WAIT + random() * (LONGEST_WAIT - SHORTEST_WAIT), () => {
      this.#cancelTimer = undefined;
      this.#repair();
    });
  }

  #repair(): void {
    const { plane, logger } = this.#parts;
    if (!plane.stats.reachable) return;
    let room = PORTION;
    for (const channel of this.#stale) {
      if (room-- === 0) break;
      this.#stale.delete(channel);
      const data = this.#write(channel);
      if (data === undefined) continue;
      this.repaired++;
      const after = this.#revisions.get(channel) ?? 0;
      const { id } = this.#parts;
      plane.keep(channel, data, { id: `${id}:r${this.#parts.next()}`, after }).catch((error: unknown) => {
        logger.debug({ err: error, channel }, 'not written again yet');
        this.differs(channel);
      });
    }
    this.#schedule();
  }

  #write(channel: string): Uint8Array | undefined {
    const { store, tombstones, id: origin, next } = this.#parts;
    const kept = store.get(channel);
    const about = { origin, sequence: next(), id: '' };
    if (kept !== undefined) {
      const { time, codec, frame } = kept;
      return writeEnvelope({ ...about, kind: Kind.Kept, time, codec }, { block: frame, start: 0, end: frame.length });
    }
    const time = tombstones.time(channel);
    return time === undefined ? undefined : writeEnvelope({ ...about, kind: Kind.Cleared, time, codec: '' });
  }
}

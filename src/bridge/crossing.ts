// One direction of a bridge: what crosses, under which name and id, and what waits for a side that is away or slow.

import type { Seen } from '../broker/index.js';
import { readId } from '../broker/index.js';
import type { Clock, MessageView } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import * as control from '../link/control.js';
import type { ClearedEntry } from '../link/kept-control.js';
import { CLEARED } from '../link/kept-control.js';
import type { Turn } from '../link/index.js';
import { Asked } from './asked.js';
import { ContentIds } from './content-id.js';
import type { Filter } from './filter.js';
import type { Renaming } from './prefixes.js';
import type { Side } from './side.js';
import { WaitingFrames } from './waiting.js';

/** Milliseconds for which a side is not read at the most, because the other one takes its kept messages slowly. */
const LONGEST_PAUSE = 5000;
const DASH = 0x2d;

export interface CrossingParts {
  readonly from: Side;
  readonly to: Side;
  readonly filter: Filter;
  readonly renaming: Renaming;
  /** Of the whole bridge, numbers and other names: a message that came from one side need not come back from the other. */
  readonly seen: Seen;
  readonly aliases: Seen;
  /** The next id of the bridge's own. */
  readonly number: () => string;
  readonly clock: Clock;
  readonly turn: Turn;
  /** Bytes that may wait. */
  readonly limit: number;
  /** Kept messages were dropped, because the other side was too slow; now it is not. */
  readonly incomplete: () => void;
  /** A message could not be passed on. */
  readonly report: (error: SpokeError) => void;
}

export class Crossing {
  /** Since the start. */
  readonly counters = { forwarded: 0, repeated: 0, failed: 0 };
  readonly waiting: WaitingFrames;
  /** What the side that messages come from is asked for. */
  readonly asked: Asked;
  readonly #parts: CrossingParts;
  readonly #contentIds = new ContentIds();
  /** Whether messages may be handed to the other side. */
  #open = false;
  // Kept messages were dropped: they have to be asked for again.
  #incomplete = false;
  #syncing = false;
  #cancelPause: (() => void) | undefined;
  /** It was paused for as long as it may be: what is too much is dropped after all. */
  #overdue = false;
  readonly #whenEmpty: (() => void)[] = [];

  constructor(parts: CrossingParts) {
    const { filter, renaming } = parts;
    this.#parts = parts;
    this.waiting = new WaitingFrames(parts.limit);
    this.asked = new Asked({
      sources: (pattern) => renaming.sources(pattern).flatMap((source) => filter.narrowed(source)),
      everything: () => this.patterns,
    });
  }

  /** Patterns of all that crosses, by their names on the side that they come from. */
  get patterns(): string[] {
    const { filter, renaming } = this.#parts;
    return [...new Set(renaming.sources('**').flatMap((source) => filter.narrowed(source)))];
  }

  /** Milliseconds that the oldest message has waited; 0 when none does. */
  get lag(): number {
    const { since } = this.waiting;
    return since === undefined ? 0 : this.#parts.clock.monotonic() - since;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** The other side takes messages from now on, beginning with those that wait. */
  open(): void {
    this.#open = true;
    this.flush();
  }

  /** The other side has gone: messages wait. */
  shut(): void {
    this.#open = false;
    this.resume();
  }

  /** Kept messages are on their way: the side they come from is not read while the other one is behind. */
  sync(): void {
    this.#syncing = true;
    this.#overdue = false;
  }

  synced(): void {
    this.#syncing = false;
    this.resume();
  }

  /** Goes on reading. */
  resume(): void {
    if (this.#cancelPause === undefined) return;
    this.#cancelPause();
    this.#cancelPause = undefined;
    this.#parts.from.resume();
  }

  /** Resolves when nothing waits. */
  async untilEmpty(): Promise<void> {
    if (this.waiting.size > 0) await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
  }

  /** The other side has room. */
  flush(): void {
    const { to } = this.#parts;
    while (this.#open && !to.blocked) {
      const frame = this.waiting.take();
      if (frame === undefined) break;
      to.push(frame, 0, frame.length);
      this.counters.forwarded++;
    }
    if (this.waiting.size > 0) return;
    this.resume();
    for (const resolve of this.#whenEmpty.splice(0)) resolve();
    if (!this.#incomplete || !this.#open) return;
    this.#incomplete = false;
    this.#parts.incomplete();
  }

  // Hot: once per message.
  message(view: MessageView): void {
    const { from, to, filter, renaming } = this.#parts;
    const { channel, persist } = view.head;
    if (channel.charCodeAt(0) === DASH && channel.startsWith(control.CONTROL_PREFIX)) return;
    if (!filter.passes(channel)) return;
    const name = renaming.idle ? channel : renaming.rename(channel);
    if (name === undefined) return;
    // What is kept will be asked for when the other side is there again.
    if (persist && !this.#open) return;
    if (!from.foreign && !to.foreign) {
      this.#write(view, name, view.id);
      return;
    }
    if (from.foreign && !persist && !to.wants(name)) return;
    const id = this.#identify(view);
    if (id !== null) this.#write(view, name, id);
  }

  /** What is kept no more on one side may not be kept on the other. Brokers of the peers cannot be told. */
  cleared(entries: readonly ClearedEntry[]): void {
    const { to, filter, renaming } = this.#parts;
    // While the other side is away it is remembered, and told when that is back.
    if (!this.#open || to.foreign) return;
    const crossing: ClearedEntry[] = [];
    for (const [channel, time] of entries) {
      const name = filter.passes(channel) ? renaming.rename(channel) : undefined;
      if (name !== undefined) crossing.push([name, time]);
    }
    if (crossing.length > 0) to.send(CLEARED, { cleared: crossing });
  }

  /** `null`: it has crossed already. */
  #identify(view: MessageView): string | undefined | null {
    const { from, seen, aliases, number } = this.#parts;
    let text = view.id;
    let id = text === undefined ? undefined : readId(text);
    // Persistent messages are told by their times.
    if (view.head.persist) return id === undefined ? undefined : text;
    if (id === undefined && from.foreign) id = readId((text = `${number()};${this.#contentIds.idOf(view)}`));
    if (id === undefined) return undefined;
    if (seen.add(id) && (id.alias === undefined || aliases.add(id.alias))) return text;
    this.counters.repeated++;
    return null;
  }

  #write(view: MessageView, channel: string, id: string | undefined): void {
    const { from, to, turn, clock } = this.#parts;
    const { head, time = clock.now() / 1000 } = view;
    const { sink } = turn;
    let length: number;
    try {
      if (from.codec === to.codec && !to.foreign && channel === head.channel) {
        length = from.codec.forward(view, time, sink, id);
      } else {
        const { persist } = head;
        // A broker that does not know bridges would send it back.
        const changed = { channel, time, id, fields: head.fields(), persist, ...(to.foreign && { bounce: false }) };
        length =
          from.codec === to.codec
            ? to.codec.forwardWith(changed, view, sink)
            : to.codec.encode(changed, from.codec.decodeBody(view), sink);
      }
    } catch (error) {
      if (!(error instanceof SpokeError)) throw error;
      this.counters.failed++;
      this.#parts.report(error);
      return;
    }
    if (this.#open && this.waiting.size === 0 && !to.blocked) {
      to.push(sink.block, sink.position - length, sink.position);
      this.counters.forwarded++;
    } else this.#wait(sink.copyLast(length), head.persist);
  }

  #wait(frame: Uint8Array, persistent: boolean): void {
    const { from, clock, limit } = this.#parts;
    // Of kept messages one reading may bring more than may wait: if they were dropped, the next attempt would end the same way.
    const past = this.#syncing && !this.#overdue;
    if (this.waiting.add(frame, persistent, clock.monotonic(), past)) this.#incomplete = true;
    if (!this.#syncing || this.#cancelPause !== undefined || this.waiting.bytes < limit / 2) return;
    this.#cancelPause = clock.setTimer(LONGEST_PAUSE, () => {
      this.#overdue = true;
      this.resume();
    });
    from.pause();
  }
}

// Publishes bytes that were encoded before, as fast as a window allows, and knows when everybody has everything.

import { performance } from 'node:perf_hooks';
import { FIRST_NUMBER, makeBody } from '../bodies.js';
import type { Wire } from '../wires/wire.js';
import type { RawSocket } from './sockets.js';
import type { Stretch } from './task.js';
import { isOver } from './task.js';

export interface FlowOptions {
  readonly wire: Wire;
  readonly pattern: string;
  /** The channels of each publisher, in turn; all equally long. */
  readonly publishers: readonly (readonly string[])[];
  /** Length of a body as JSON text. */
  readonly bodyBytes: number;
  /** Messages in one write. */
  readonly batch: number;
  /** Messages on their way at most: published, and not received by the slowest of those that are waited for. */
  readonly window: number;
}

export class Flow {
  readonly #window: number;
  readonly #batch: number;
  readonly #publishers: readonly RawSocket[];
  /** What each publisher writes, in turn. */
  readonly #batches: readonly (readonly Buffer[])[];
  /** Bytes that each subscriber received. All get the same stream, so the first alone tells what a message takes. */
  readonly #bytes: Float64Array;
  readonly #messageBytes: number;
  readonly #noise: number;
  /** Messages that the first subscriber received, counted when their length is not fixed. */
  #counted = 0;
  #published = 0;
  #turns = 0;
  #isOver: () => boolean = () => true;
  #scheduled = false;
  #done: (() => void) | undefined;

  /** @param subscribers - those that are waited for. */
  constructor(options: FlowOptions, publishers: readonly RawSocket[], subscribers: readonly RawSocket[]) {
    const { wire, pattern, bodyBytes, batch } = options;
    this.#window = options.window;
    this.#batch = batch;
    this.#publishers = publishers;
    const bodies = Array.from({ length: batch }, (_, i) =>
      JSON.stringify({ ...makeBody(bodyBytes), seq: FIRST_NUMBER + i }),
    );
    this.#batches = options.publishers.map((channels) => encode(wire, channels, bodies));
    this.#bytes = new Float64Array(subscribers.length);
    const delivery = wire.delivery(pattern, options.publishers[0]?.[0] ?? '', bodies[0] ?? '');
    this.#messageBytes = 'bytes' in delivery ? delivery.bytes : 0;
    this.#noise = wire.noise ?? 0;
    for (const [i, subscriber] of subscribers.entries()) this.#read(subscriber, i, delivery);
  }

  /** Messages that the slowest subscriber has. */
  get received(): number {
    let least = Infinity;
    for (const bytes of this.#bytes) if (bytes < least) least = bytes;
    if (this.#messageBytes > 0) return Math.floor(least / this.#messageBytes);
    const first = this.#bytes[0] ?? 0;
    return first === 0 ? 0 : Math.floor((least / first) * this.#counted);
  }

  /** Publishes for a stretch, waits until all have all, and says how many messages it was. */
  async run(stretch: Stretch): Promise<number> {
    const from = this.#published;
    const since = performance.now();
    this.#isOver = () => isOver(stretch, since, this.#published - from);
    await new Promise<void>((resolve) => {
      this.#done = resolve;
      this.#pump();
    });
    return this.#published - from;
  }

  #read(subscriber: RawSocket, i: number, delivery: ReturnType<Wire['delivery']>): void {
    const all = this.#bytes;
    if (i > 0 || 'bytes' in delivery) {
      subscriber.onBytes = (_bytes, length) => {
        all[i]! += length;
        this.#wake();
      };
      return;
    }
    const { delimiter } = delivery;
    subscriber.onBytes = (bytes, length) => {
      all[i]! += length;
      for (let at = bytes.indexOf(delimiter); at !== -1 && at < length; at = bytes.indexOf(delimiter, at + 1)) {
        this.#counted++;
      }
      this.#wake();
    };
  }

  // Once for all that one turn of the event loop brought.
  #wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#done === undefined) return;
    const { received } = this;
    let open = !this.#isOver();
    while (open && this.#published + this.#batch - received <= this.#window) {
      const turn = this.#turns++;
      const publisher = turn % this.#publishers.length;
      const batches = this.#batches[publisher] ?? [];
      const batch = batches[Math.floor(turn / this.#publishers.length) % batches.length];
      if (batch !== undefined) this.#publishers[publisher]?.socket.write(batch);
      this.#published += this.#batch;
      open = !this.#isOver();
    }
    if (open || received < this.#published || !this.#bytes.every((bytes) => this.#isAll(bytes))) return;
    const done = this.#done;
    this.#done = undefined;
    done();
  }

  #isAll(bytes: number): boolean {
    const expected = this.#messageBytes > 0 ? this.#messageBytes * this.#published : (this.#bytes[0] ?? 0);
    const more = bytes - expected;
    return more === 0 || (this.#noise > 0 && more > 0 && more % this.#noise === 0);
  }
}

/** Batches of one publisher, in which each of its channels has its turn. */
function encode(wire: Wire, channels: readonly string[], bodies: readonly string[]): Buffer[] {
  const batches: Buffer[] = [];
  let next = 0;
  do {
    batches.push(Buffer.concat(bodies.map((body) => wire.publish(channels[next++ % channels.length] ?? '', body))));
  } while (next < channels.length);
  return batches;
}

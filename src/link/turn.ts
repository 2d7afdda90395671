// One turn of the event loop: what was read in it is written at its end, once per connection, under one time.

import type { Clock } from '../contracts/index.js';
import { BlockSink } from './block-sink.js';

/** Something with output waiting for the end of the turn. */
export interface Flushable {
  flush(): void;
  /** Whether nobody needs what it sent any more, so that its memory may be written again; `undefined`: that is never known. */
  readonly released: boolean | undefined;
}

/** Shared by all links of one broker, or of one client on Node. */
export class Turn {
  readonly sink = new BlockSink();
  readonly clock: Clock;
  /** Turns that have ended. */
  ended = 0;
  #waiting: Flushable[] = [];
  #spare: Flushable[] = [];
  /** Outputs that may still need what they were given of the present block. */
  readonly #holding = new Set<Flushable>();
  #renewals = 0;
  #scheduled = false;
  #seconds = 0;
  #lastView: Uint8Array | undefined;
  #lastBlock: Uint8Array | undefined;
  #lastStart = -1;
  #lastEnd = -1;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Seconds since the epoch, the same for all messages of one received chunk: formatting a time costs more than reading it. */
  get seconds(): number {
    return this.#seconds === 0 ? (this.#seconds = this.clock.now() / 1000) : this.#seconds;
  }

  /** A new chunk has come in: the next time is read anew. */
  begin(): void {
    this.#seconds = 0;
  }

  /** Has `flush` called once at the end of the turn. */
  add(output: Flushable): void {
    this.#waiting.push(output);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.clock.defer(this.#flush);
  }

  /** A view of a range; receivers of one fan-out ask for the same one in a row and share it. */
  view(block: Uint8Array, start: number, end: number): Uint8Array {
    if (
      this.#lastView !== undefined &&
      block === this.#lastBlock &&
      start === this.#lastStart &&
      end === this.#lastEnd
    ) {
      return this.#lastView;
    }
    this.#lastBlock = block;
    this.#lastStart = start;
    this.#lastEnd = end;
    return (this.#lastView = block.subarray(start, end));
  }

  /** Between two messages. Sends early when a turn brings so much that the sink would need more memory. */
  relieve(): void {
    if (this.sink.crowded) this.#send();
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    this.ended++;
    this.#send();
  };

  #send(): void {
    const { sink } = this;
    // What they may need is in a block that was left behind.
    if (sink.renewals !== this.#renewals) this.#holding.clear();
    this.#renewals = sink.renewals;
    const outputs = this.#waiting;
    this.#waiting = this.#spare;
    for (const output of outputs) {
      output.flush();
      const { released } = output;
      if (released === undefined) sink.giveAway();
      else if (!released) this.#holding.add(output);
    }
    outputs.length = 0;
    this.#spare = outputs;
    // Those of earlier turns, which have got rid of it since then perhaps.
    for (const output of this.#holding) if (output.released === true) this.#holding.delete(output);
    // Flushing may have written more, which is sent next.
    sink.endTurn(this.#holding.size === 0 && this.#waiting.length === 0);
    // Do not hold a block that nobody sends any more.
    this.#lastView = this.#lastBlock = undefined;
  }
}

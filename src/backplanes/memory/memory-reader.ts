// Reads a history of a `MemoryEngine`, through the connection of one backplane.

import type { HistoryEntry, HistoryHandler, HistoryReader, HistoryReadOptions } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import type { Durable } from './durable.js';
import type { HistoryHost } from './history-host.js';
import type { Log } from './log.js';
import type { Reading } from './reading.js';

export class MemoryReader implements HistoryReader {
  epoch = '';
  readonly #host: HistoryHost;
  readonly #options: HistoryReadOptions;
  readonly #handler: HistoryHandler;
  readonly #closed: () => void;
  /** What it was given and has not answered. */
  readonly #held = new Set<number>();
  #log: Log | undefined;
  /** At the engine, while there is a connection. */
  #reading: Reading | undefined;
  #durable: Durable | undefined;
  #room = 0;
  /** Where it goes on after an interruption. */
  #next = 0;
  #caughtUp = false;
  #ended = false;

  constructor(host: HistoryHost, options: HistoryReadOptions, closed: () => void) {
    this.#host = host;
    this.#options = options;
    this.#handler = options.handler;
    this.#closed = closed;
  }

  /** At the engine. @throws {SpokeError} `DUPLICATE` */
  attach(log: Log): void {
    const { pattern, durable, from } = this.#options;
    this.#durable = durable === undefined ? undefined : log.durable(durable, pattern, from);
    this.#log = log;
    this.epoch = log.epoch;
    this.#next = log.place(from);
    this.#read();
  }

  get next(): number {
    return this.#next;
  }

  more(count: number): void {
    this.#room += count;
    const reading = this.#reading;
    if (reading === undefined) return;
    this.#host.send(() => {
      reading.room += count;
      this.#pump(reading);
    });
  }

  done(sequence: number): void {
    if (this.#held.delete(sequence)) this.#host.send(() => this.#durable?.done(sequence));
  }

  again(sequence: number, delay: number): void {
    if (this.#held.delete(sequence)) this.#host.send(() => this.#durable?.again(sequence, delay));
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#closed();
    const reading = this.#reading;
    if (reading === undefined) return;
    this.#reading = undefined;
    await this.#host.ask(() => this.#detach(reading, true)).catch(() => {});
  }

  /** The connection broke. */
  lost(): void {
    const reading = this.#reading;
    this.#reading = undefined;
    if (reading !== undefined) this.#detach(reading, false);
  }

  /** There is a connection again. */
  connected(): void {
    const log = this.#log;
    if (log === undefined || this.#ended) return;
    this.#host.send(() => {
      if (this.#ended) return;
      if (!this.#host.histories.all().includes(log)) {
        const lost = new SpokeError('STORE_FAILED', 'the engine has lost its history', { retryable: true });
        this.#host.deliver(0, () => this.#end(lost));
      } else if (this.#options.durable !== undefined && log.find(this.#options.durable) !== this.#durable) {
        const gone = new SpokeError('CLOSED', 'this durable was removed');
        this.#host.deliver(0, () => this.#end(gone));
      } else this.#read();
    });
  }

  #read(): void {
    const reading: Reading = {
      pattern: this.#options.pattern,
      durable: this.#options.durable,
      next: this.#next,
      room: this.#room,
      until: undefined,
      tell: (entry) => this.#host.deliver(entry.data.length, () => this.#tell(reading, entry)),
      caughtUp: () => this.#host.deliver(0, () => this.#tellCaughtUp(reading)),
      ended: (error) => this.#host.deliver(0, () => this.#end(error)),
    };
    this.#reading = reading;
    if (this.#durable === undefined) this.#log?.attach(reading);
    else this.#durable.attach(reading, [...this.#held]);
  }

  #pump(reading: Reading): void {
    if (this.#durable === undefined) this.#log?.more(reading);
    else this.#durable.pump();
  }

  #detach(reading: Reading, released: boolean): void {
    if (this.#durable === undefined) this.#log?.detach(reading);
    else this.#durable.detach(reading, released);
  }

  #tell(reading: Reading, entry: HistoryEntry): void {
    if (reading !== this.#reading || this.#ended) return;
    this.#room--;
    this.#next = entry.sequence + 1;
    if (this.#durable !== undefined) {
      // Still in work here: it is done when that is done.
      if (this.#held.has(entry.sequence)) {
        this.more(1);
        return;
      }
      this.#held.add(entry.sequence);
    }
    this.#handler.entry(entry);
  }

  #tellCaughtUp(reading: Reading): void {
    if (reading !== this.#reading || this.#ended || this.#caughtUp) return;
    this.#caughtUp = true;
    this.#handler.caughtUp();
  }

  #end(error: SpokeError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reading = undefined;
    this.#closed();
    this.#handler.ended(error);
  }
}

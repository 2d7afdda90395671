// One broker's way to the histories of a `MemoryEngine`.

import type {
  BackplaneHistory,
  HistoryDurable,
  HistoryReader,
  HistoryReadOptions,
  Kept,
} from '../../contracts/index.js';
import type { HistoryHost } from './history-host.js';
import { MemoryReader } from './memory-reader.js';

export class MemoryHistory implements BackplaneHistory {
  readonly #host: HistoryHost;
  readonly #readers = new Set<MemoryReader>();

  constructor(host: HistoryHost) {
    this.#host = host;
  }

  get patterns(): readonly string[] {
    return this.#host.histories.patterns;
  }

  keeps(channel: string): boolean {
    return this.#host.histories.of(channel) !== undefined;
  }

  record(channel: string, data: Uint8Array, id: string): Promise<Kept> {
    return this.#host.records.add(channel, data, { id });
  }

  async read(options: HistoryReadOptions): Promise<HistoryReader> {
    const { pattern, durable } = options;
    const log = this.#host.histories.having(pattern);
    const reader = new MemoryReader(this.#host, options, () => this.#readers.delete(reader));
    await this.#host.ask(() => {
      const others = durable === undefined ? [] : this.#host.histories.all().filter((other) => other !== log);
      // A name is one for all histories.
      for (const other of others)
        if (other.find(durable ?? '') !== undefined) other.durable(durable ?? '', pattern, 'new');
      reader.attach(log);
    });
    this.#readers.add(reader);
    return reader;
  }

  durables(): Promise<HistoryDurable[]> {
    return this.#host.ask(() => this.#host.histories.all().flatMap((log) => log.durables()));
  }

  remove(name: string): Promise<boolean> {
    return this.#host.ask(() => this.#host.histories.all().filter((log) => log.remove(name)).length > 0);
  }

  /** The engine does not hear of the readers any more. */
  lost(): void {
    for (const reader of this.#readers) reader.lost();
  }

  connected(): void {
    for (const reader of this.#readers) reader.connected();
  }
}

// Persistent messages for the life of the process.

import { ChannelIndex } from '../../channels/index.js';
import type { MessageStore, StoredMessage } from '../../contracts/index.js';

/** The default `MessageStore`: everything is as durable as the process, so nothing is ever waited for. */
export class MemoryStore implements MessageStore {
  #messages = new ChannelIndex<StoredMessage>();
  #bytes = 0;
  readonly #notes = new Map<string, Uint8Array>();

  get size(): number {
    return this.#messages.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async open(): Promise<void> {}

  get(channel: string): StoredMessage | undefined {
    return this.#messages.get(channel);
  }

  put(message: StoredMessage): undefined {
    this.#bytes += message.frame.length - (this.#messages.get(message.channel)?.frame.length ?? 0);
    this.#messages.set(message.channel, message);
  }

  delete(channel: string): undefined {
    this.#bytes -= this.#messages.get(channel)?.frame.length ?? 0;
    this.#messages.delete(channel);
  }

  match(pattern: string): readonly StoredMessage[] {
    return this.#messages.match(pattern);
  }

  note(key: string, value: Uint8Array | undefined): undefined {
    if (value === undefined) this.#notes.delete(key);
    else this.#notes.set(key, value);
  }

  notes(): Iterable<readonly [string, Uint8Array]> {
    return this.#notes;
  }

  async close(): Promise<void> {
    this.#messages = new ChannelIndex();
    this.#notes.clear();
    this.#bytes = 0;
  }
}

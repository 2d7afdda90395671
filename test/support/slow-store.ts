// A store whose writes are durable when the test says so, as on a disk.

import type { StoredMessage } from '../../src/contracts/index.js';
import { MemoryStore } from '../../src/stores/index.js';

interface Write {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Change {
  readonly message?: StoredMessage;
  readonly deleted?: string;
  readonly note?: readonly [string, Uint8Array | undefined];
}

/** What it holds is handed to its successor: a broker that is started again on the same disk. */
export class SlowStore extends MemoryStore {
  #waiting: Write[] = [];
  /** What the disk has, as it was written. */
  readonly durable: Change[] = [];
  #undone: Change[] = [];

  override put(message: StoredMessage): undefined {
    super.put(message);
    this.#undone.push({ message });
    return this.#write();
  }

  override delete(channel: string): undefined {
    super.delete(channel);
    this.#undone.push({ deleted: channel });
    return this.#write();
  }

  override note(key: string, value: Uint8Array | undefined): undefined {
    super.note(key, value);
    this.#undone.push({ note: [key, value] });
    return this.#write();
  }

  /** Everything written so far is durable. */
  flush(): void {
    this.durable.push(...this.#undone);
    this.#undone = [];
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** Nothing written so far could be made durable. */
  fail(error: Error): void {
    this.#undone = [];
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  /** What is found on the disk after a power cut. */
  afterPowerCut(): SlowStore {
    const store = new SlowStore();
    for (const { message, deleted, note } of this.durable) {
      if (message !== undefined) store.put(message);
      if (deleted !== undefined) store.delete(deleted);
      if (note !== undefined) store.note(...note);
    }
    store.flush();
    return store;
  }

  // Typed as the store that needs not to be waited for, which it extends.
  #write(): undefined {
    const promise = new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    promise.catch(() => {});
    return promise as never;
  }
}

// Many writes, one transaction: what is written while the disk is busy goes with the next one. A flush costs 1 to 3 ms, so
// this is what makes writing fast (docs/decisions/007-durable-store.md).

/** What is to be in each place; `undefined`: nothing. */
export type Changes<T> = ReadonlyMap<number, T | undefined>;

/** One transaction: resolves when the disk has all of it, rejects when it has none of it. */
export type Commit<T> = (changes: Changes<T>) => Promise<void>;

interface Group<T> {
  readonly changes: Map<number, T | undefined>;
  /** The promise of everyone who wrote in it. */
  readonly durable: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Gathers writes, and commits them in groups, one at a time. */
export class GroupCommit<T> {
  readonly #commit: Commit<T>;
  /** Open to more. */
  #gathering: Group<T> | undefined;
  #running: Promise<void> | undefined;
  /** What a failed transaction was to write. It goes with the next one. */
  #owed = new Map<number, T | undefined>();

  /** @param commit - not called again before it has settled. */
  constructor(commit: Commit<T>) {
    this.#commit = commit;
  }

  /** Puts something into a place, or clears it. Resolves when the disk has it. A promise that nobody waits for is no harm. */
  write(place: number, change: T | undefined): Promise<void> {
    const group = (this.#gathering ??= newGroup());
    group.changes.set(place, change);
    this.#running ??= this.#run();
    return group.durable;
  }

  /** Resolves when everything written so far has been committed, or has failed to be. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // What this turn of the event loop still brings is to be in it.
    await new Promise((resolve) => setImmediate(resolve));
    for (let group = this.#gathering; group !== undefined; group = this.#gathering) {
      this.#gathering = undefined;
      for (const [place, change] of this.#owed) if (!group.changes.has(place)) group.changes.set(place, change);
      this.#owed = new Map();
      try {
        await this.#commit(group.changes);
        group.resolve();
      } catch (error) {
        this.#owed = group.changes;
        group.reject(error);
      }
    }
    this.#running = undefined;
  }
}

function newGroup<T>(): Group<T> {
  let resolve = (): void => {};
  let reject = (_: unknown): void => {};
  const durable = new Promise<void>((onDone, onFailed) => {
    resolve = onDone;
    reject = onFailed;
  });
  durable.catch(() => {});
  return { changes: new Map(), durable, resolve, reject };
}

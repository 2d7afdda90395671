// How many calls and messages are being handled, so that an end can wait for them.

export class Running {
  #count = 0;
  #idle: (() => void)[] = [];

  get count(): number {
    return this.#count;
  }

  /** `run`, counted until what it returns has settled, or was read to its end. */
  counted<A extends readonly unknown[]>(run: (...given: A) => unknown): (...given: A) => unknown {
    return (...given) => {
      this.#count++;
      let result: unknown;
      try {
        result = run(...given);
      } catch (error) {
        this.#done();
        throw error;
      }
      if (result instanceof Promise) return this.#settled(result);
      return this.#read(result);
    };
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #settled(promise: Promise<unknown>): Promise<unknown> {
    let result: unknown;
    try {
      result = await promise;
    } catch (error) {
      this.#done();
      throw error;
    }
    return this.#read(result);
  }

  #read(result: unknown): unknown {
    if (isAsyncIterable(result)) return this.#through(result);
    this.#done();
    return result;
  }

  async *#through(values: AsyncIterable<unknown>): AsyncGenerator<unknown, void, undefined> {
    try {
      yield* values;
    } finally {
      this.#done();
    }
  }

  #done(): void {
    if (--this.#count > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

// How many messages are being worked on, and when all that is done.

export class Work {
  #size = 0;
  #done: (() => void)[] = [];

  get size(): number {
    return this.#size;
  }

  get idle(): boolean {
    return this.#size === 0;
  }

  readonly begin = (): void => {
    this.#size++;
  };

  readonly end = (): void => {
    if (--this.#size > 0) return;
    for (const resolve of this.#done.splice(0)) resolve();
  };

  /** Resolves when there is none. */
  async done(): Promise<void> {
    if (this.#size > 0) await new Promise<void>((resolve) => this.#done.push(resolve));
  }
}

// What arrived, in order, and waiting for more of it.

import { within } from './within.js';

/** Pass `add` as a listener or handler, then `take` what it was called with. */
export class Collector<T> {
  /** Everything since the start. */
  readonly items: T[] = [];
  readonly #what: string;
  #taken = 0;
  #arrived: (() => void) | undefined;

  /** @param what - what is collected, for the error of a test that waited in vain. */
  constructor(what = 'items') {
    this.#what = what;
  }

  readonly add = (item: T): void => {
    this.items.push(item);
    this.#arrived?.();
  };

  /** What nobody has taken yet. */
  get rest(): readonly T[] {
    return this.items.slice(this.#taken);
  }

  /** The next `count` items. */
  async take(count: number, milliseconds?: number): Promise<T[]> {
    const end = this.#taken + count;
    await within(
      this.#until(() => this.items.length >= end),
      `${count} ${this.#what}, of which came ${JSON.stringify(this.rest.slice(0, 20))}`,
      milliseconds,
    );
    const taken = this.items.slice(this.#taken, end);
    this.#taken = end;
    return taken;
  }

  async next(): Promise<T> {
    const [item] = await this.take(1);
    return item as T;
  }

  /** Everything up to and including the first item that is wanted. */
  async takeUntil(wanted: (item: T) => boolean, milliseconds?: number): Promise<T[]> {
    const from = this.#taken;
    let seen = from;
    const found = () => {
      while (seen < this.items.length) if (wanted(this.items[seen++] as T)) return true;
      return false;
    };
    await within(this.#until(found), `the wanted one of the ${this.#what}`, milliseconds);
    this.#taken = seen;
    return this.items.slice(from, seen);
  }

  async #until(done: () => boolean): Promise<void> {
    while (!done()) {
      await new Promise<void>((resolve) => (this.#arrived = resolve));
    }
  }
}

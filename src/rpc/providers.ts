// What is provided on a client: from a name to a subscription, and its end.

import type { Provider } from './options.js';
import { requireName } from './name.js';

/** All providers of one service. */
export class Providers {
  readonly #all = new Set<Provider>();

  /**
   * @param open - subscribes for a name; returns how to end that.
   * @throws {TypeError}
   */
  async add(
    name: string,
    procedure: unknown,
    open: (name: string) => Promise<() => Promise<unknown>>,
  ): Promise<Provider> {
    const procedureName = requireName('provide', name, procedure);
    const end = await open(procedureName);
    const close = async () => {
      this.#all.delete(provider);
      await end();
    };
    const provider = { name: procedureName, close, [Symbol.asyncDispose]: close };
    this.#all.add(provider);
    return provider;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((provider) => provider.close()));
  }
}

// Something that is done again and again, at a pace, until it is told to stop.

import type { Findings } from './findings.js';

export class Routine {
  readonly #ended: Promise<void>;
  #stopped = false;
  #wake: (() => void) | undefined;

  /** @param interval - milliseconds from one beginning to the next; one that takes longer is followed by the next at once. */
  constructor(what: string, interval: number, findings: Findings, action: () => Promise<void>) {
    this.#ended = this.#run(what, interval, findings, action);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.();
    return this.#ended;
  }

  async #run(what: string, interval: number, findings: Findings, action: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      const began = performance.now();
      await findings.watch(what, action);
      await this.#pause(Math.max(1, interval - (performance.now() - began)));
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    if (this.#stopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

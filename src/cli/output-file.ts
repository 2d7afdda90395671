// A file that gets what is printed. Nothing is buffered: a line that was written survives the command.

import { appendFileSync, closeSync, openSync } from 'node:fs';

import { OutputError } from './failure.js';

export class OutputFile {
  readonly #path: string;
  readonly #descriptor: number;

  /**
   * Makes the file empty, or creates it.
   * @throws {OutputError}
   */
  constructor(path: string) {
    this.#path = path;
    this.#descriptor = this.#attempt(() => openSync(path, 'w'));
  }

  /** @throws {OutputError} */
  line(text: string): void {
    this.#attempt(() => appendFileSync(this.#descriptor, `${text}\n`));
  }

  /** @throws {OutputError} Some file systems say only now that they are full. */
  close(): void {
    this.#attempt(() => closeSync(this.#descriptor));
  }

  #attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw new OutputError(this.#path, error);
    }
  }
}

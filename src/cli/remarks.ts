// What a command that runs on says to the person who watches, on standard error: trouble, and the end of it, once each.

import { note } from './output.js';

/** Milliseconds for which the same error is not said again. */
const REPEATED = 10_000;

export class Remarks {
  readonly #name: string;
  readonly #json: boolean;
  readonly #troubled = new Set<unknown>();
  #lastError = '';
  #lastErrorAt = -Infinity;

  /** @param name - of the command. */
  constructor(name: string, json: boolean) {
    this.#name = name;
    this.#json = json;
  }

  /** Something is wrong with `what`: said once, until it is well again. */
  trouble(what: unknown, text: string): void {
    if (!this.#troubled.has(what)) this.say(text);
    this.#troubled.add(what);
  }

  /** Said after trouble only. */
  well(what: unknown, text: string): void {
    if (this.#troubled.delete(what)) this.say(text);
  }

  /** The same error is not said again and again. */
  error(text: string): void {
    const now = performance.now();
    if (text === this.#lastError && now - this.#lastErrorAt < REPEATED) return;
    this.#lastError = text;
    this.#lastErrorAt = now;
    this.say(text);
  }

  say(text: string): void {
    note(this.#json ? JSON.stringify({ remark: text }) : `${this.#name}: ${text}`);
  }
}

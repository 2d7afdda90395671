// One broker's end of a backplane, as a test sees it: everything it was told, and waiting for it.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import type { Backplane, BackplaneHandler, Kept } from '../../contracts/index.js';
import { silentLogger } from '../../contracts/index.js';
import { systemClock } from '../../link/index.js';

const PATIENCE = 8000;

export interface KeptEntry {
  readonly channel: string;
  readonly text: string;
  readonly revision: number;
}

export class Member implements BackplaneHandler {
  readonly id = randomUUID();
  readonly plane: Backplane;
  readonly messages: string[] = [];
  readonly entries: KeptEntry[] = [];
  readonly news: string[] = [];
  readonly missing: string[] = [];
  readonly reached: boolean[] = [];
  #look: (() => void)[] = [];
  #number = 0;

  constructor(plane: Backplane) {
    this.plane = plane;
  }

  async open(signal: AbortSignal = new AbortController().signal): Promise<this> {
    const pendingBytes = 4 * 1024 * 1024;
    await this.plane.open({
      id: this.id,
      handler: this,
      logger: silentLogger,
      clock: systemClock,
      pendingBytes,
      signal,
    });
    return this;
  }

  /** Asks for messages, and is sure of it. */
  async subscribe(...patterns: readonly string[]): Promise<this> {
    for (const pattern of new Set(patterns.map((pattern) => this.plane.widened(pattern))))
      this.plane.subscribe(pattern);
    await this.plane.flush();
    return this;
  }

  say(channel: string, text: string): void {
    this.plane.publish(channel, bytes(text));
  }

  keep(channel: string, text: string, after?: number, id = this.nextId()): Promise<Kept> {
    return this.plane.keep(channel, bytes(text), { id, ...(after !== undefined && { after }) });
  }

  /** For something that is kept or recorded. */
  nextId(): string {
    return `${this.id}:${++this.#number}`;
  }

  /** What it believes is kept last. */
  get state(): Record<string, string> {
    return Object.fromEntries(this.entries.map(({ channel, text }) => [channel, text]));
  }

  /** Waits until something is so. */
  async until(what: string, met: () => boolean): Promise<void> {
    if (met()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new assert.AssertionError({ message: `in ${PATIENCE} ms it did not come about: ${what}` }));
      }, PATIENCE);
      const look = (): void => {
        if (!met()) return;
        clearTimeout(timer);
        this.#look = this.#look.filter((other) => other !== look);
        resolve();
      };
      this.#look.push(look);
    });
  }

  async hears(text: string): Promise<void> {
    await this.until(`${text} is heard, among ${this.messages.slice(-10).join(' ')}`, () =>
      this.messages.includes(text),
    );
  }

  message(data: Uint8Array): void {
    this.messages.push(textOf(data));
    this.changed();
  }

  kept(channel: string, data: Uint8Array, revision: number): void {
    this.entries.push({ channel, text: textOf(data), revision });
    this.changed();
  }

  told(data: Uint8Array): void {
    this.news.push(textOf(data));
    this.changed();
  }

  unheard(id: string): void {
    this.missing.push(id);
    this.changed();
  }

  reachable(reachable: boolean): void {
    this.reached.push(reachable);
    this.changed();
  }

  emptied(): void {}

  /** Something may have come about. */
  changed(): void {
    for (const look of this.#look) look();
  }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

// One reader of a history, as a test sees it.

import assert from 'node:assert/strict';

import type { BackplaneHistory, HistoryEntry, HistoryFrom, HistoryReader, SpokeError } from '../../contracts/index.js';
import type { Member } from './member.js';
import { bytes, textOf } from './member.js';

export class Reading {
  readonly entries: HistoryEntry[] = [];
  caughtUp = 0;
  end: SpokeError | undefined;
  readonly #member: Member;
  #reader: HistoryReader | undefined;

  private constructor(member: Member) {
    this.#member = member;
  }

  static async open(
    member: Member,
    pattern: string,
    from: HistoryFrom,
    { durable, room = 1000 }: { readonly durable?: string; readonly room?: number } = {},
  ): Promise<Reading> {
    const reading = new Reading(member);
    const handler = {
      entry: (entry: HistoryEntry) => {
        reading.entries.push(entry);
        member.changed();
      },
      caughtUp: () => {
        reading.caughtUp++;
        member.changed();
      },
      ended: (error: SpokeError) => {
        reading.end = error;
        member.changed();
      },
    };
    reading.#reader = await historyOf(member).read({
      pattern: member.plane.widened(pattern),
      from,
      handler,
      ...(durable !== undefined && { durable }),
    });
    if (room > 0) reading.reader.more(room);
    return reading;
  }

  get reader(): HistoryReader {
    assert.ok(this.#reader !== undefined);
    return this.#reader;
  }

  get texts(): string[] {
    return this.entries.map(({ data }) => textOf(data));
  }

  async reads(...texts: readonly string[]): Promise<void> {
    await this.#member.until(`${texts.join(' ')} is read`, () => texts.every((text) => this.texts.includes(text)));
  }

  async until(what: string, met: () => boolean): Promise<void> {
    await this.#member.until(what, met);
  }

  /** Says of all that it has that it is done. */
  finish(): void {
    for (const { sequence } of this.entries) this.reader.done(sequence);
  }
}

export function historyOf({ plane }: Member): BackplaneHistory {
  assert.ok(plane.history !== undefined, 'this backplane has no history');
  return plane.history;
}

export function record(member: Member, channel: string, text: string, id?: string): Promise<{ fresh: boolean }> {
  return historyOf(member).record(channel, bytes(text), id ?? member.nextId());
}

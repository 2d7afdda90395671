// One client that reads a history: what it has room for, what it may have, how far it is.

import { matches } from '../../channels/index.js';
import type { Codec, HistoryEntry, HistoryHandler, HistoryReader, MessageView } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import * as historyControl from '../../link/history-control.js';
import { readEnvelope } from '../cluster/envelope.js';
import type { Desk } from '../desk.js';
import type { Session } from '../session.js';
import type { Transcoder } from '../transcoder.js';

/** Bytes that are asked for at a time, as far as that can be foreseen. */
const PORTION_BYTES = 256 * 1024;
const PORTION = 256;
/** Bytes of an entry, before any has come. */
const USUAL_BYTES = 4096;

export interface ReadingParts {
  readonly desk: Desk;
  readonly transcoder: Transcoder;
  readonly session: Session;
  /** Of its hello. */
  readonly nonce: string;
  readonly open: historyControl.OpenBody;
  /** Canonical. */
  readonly pattern: string;
  /** It is told no more, and forgotten. */
  readonly ended: () => void;
  readonly delivered: () => void;
}

export class Reading implements HistoryHandler {
  readonly pattern: string;
  readonly #parts: ReadingParts;
  #reader: HistoryReader | undefined;
  /** The client has room for so many more, and the reader has not been asked for them. */
  #room: number;
  /** The reader was asked for so many more. */
  #asked = 0;
  #average = USUAL_BYTES;
  /** Where the client is known to be. */
  readonly #given = new Set<number>();
  #ended = false;

  constructor(parts: ReadingParts) {
    this.#parts = parts;
    this.pattern = parts.pattern;
    this.#room = parts.open.window;
  }

  /** Begins, when its client has been told. */
  begin(reader: HistoryReader): void {
    this.#reader = reader;
    if (this.#ended) void reader.close();
    else this.ask();
  }

  entry(entry: HistoryEntry): void {
    this.#asked--;
    if (this.#ended) return;
    const { open, desk } = this.#parts;
    this.#average = (this.#average * 7 + entry.data.length) / 8;
    if (open.until !== undefined && entry.stored > open.until * 1000) {
      this.end(null);
      return;
    }
    desk.turn.begin();
    desk.turn.relieve();
    if (!this.#give(entry)) {
      this.#room++;
      this.#reader?.done(entry.sequence);
    }
    if (this.#asked === 0) this.ask();
  }

  caughtUp(): void {
    if (this.#ended) return;
    if (this.#parts.open.end) this.end(null);
    else this.#tell({ n: this.#parts.open.n, caughtUp: true });
  }

  ended(error: SpokeError): void {
    this.end(error);
  }

  /** What the client says of what it got. */
  handled({ done, again, more }: historyControl.HandledBody): void {
    if (this.#ended) return;
    const reader = this.#reader;
    for (const [from, to] of done) {
      // Never more than there are: a range of a billion would keep the broker busy.
      for (const sequence of to - from < this.#given.size ? numbers(from, to) : [...this.#given]) {
        if (sequence >= from && sequence <= to && this.#given.delete(sequence)) reader?.done(sequence);
      }
    }
    for (const [sequence, delay] of again) if (this.#given.delete(sequence)) reader?.again(sequence, delay);
    this.#room = Math.min(this.#room + more, historyControl.MAX_WINDOW);
    this.ask();
  }

  /** Asks the reader for as many as there is room for, unless the client does not read. */
  ask(): void {
    if (this.#reader === undefined || this.#ended || this.#parts.session.link.outbox.blocked) return;
    const portion = Math.max(1, Math.min(PORTION, Math.floor(PORTION_BYTES / this.#average)));
    const count = Math.min(this.#room, portion - this.#asked);
    if (count <= 0) return;
    this.#room -= count;
    this.#asked += count;
    this.#reader.more(count);
  }

  /** @param why - `null`: as it was asked for. */
  end(why: SpokeError | null): void {
    if (this.#ended) return;
    const { n } = this.#parts.open;
    const ended = why === null ? null : { code: why.code, message: why.message, again: why.retryable };
    this.#tell({ n, ended });
    void this.close();
  }

  /** Resolves when what it had has been given back. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#parts.ended();
    await this.#reader?.close();
  }

  #tell(body: historyControl.HistoryBody): void {
    this.#parts.desk.tell(this.#parts.session, historyControl.HISTORY, body);
  }

  // `false`: it is not for this client.
  #give(entry: HistoryEntry): boolean {
    const envelope = readEnvelope(entry.data);
    if (envelope === undefined) return false;
    const { desk, transcoder } = this.#parts;
    const { codec, frame, time } = envelope;
    let given = false;
    try {
      transcoder.read({ channel: 'a message of the history', codec, frame }, (view, reader) => {
        given = this.#write(view, time, reader, entry);
      });
    } catch (error) {
      if (!(error instanceof SpokeError)) throw error;
      desk.logger.warn({ err: error, to: this.#parts.session.address }, 'a message of the history is not sent');
    }
    return given;
  }

  #write(view: MessageView, time: number, codec: Codec, { sequence, deliveries }: HistoryEntry): boolean {
    const { session, desk, nonce, open, delivered } = this.#parts;
    const { channel, persist } = view.head;
    const to = session.link.codec;
    if (to === undefined || session.link.ended || !matches(this.pattern, channel)) return false;
    if (!desk.open && !desk.mayReceive(session, channel)) return false;
    const mark = historyControl.markOf(nonce, open.n, sequence, deliveries);
    const fields = { ...view.head.fields(), [historyControl.HISTORY_KEY]: mark };
    const head = { channel, persist, time, fields };
    const { sink } = desk.turn;
    const length = to === codec ? codec.forwardWith(head, view, sink) : to.encode(head, codec.decodeBody(view), sink);
    session.link.outbox.push(sink.block, sink.position - length, sink.position);
    if (open.durable !== undefined) this.#given.add(sequence);
    delivered();
    return true;
  }
}

function* numbers(from: number, to: number): Generator<number> {
  for (let number = from; number <= to; number++) yield number;
}

// A connection plus a codec: messages in, frames out. The broker's sessions and the client are both made of it.

import type {
  CloseReason,
  Codec,
  Connection,
  ConnectionHandler,
  Deframer,
  FrameHandler,
  Limits,
  MessageReader,
  MessageView,
} from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import type { OutboundTotal } from './outbox.js';
import { Outbox } from './outbox.js';
import type { Stranger } from './stranger.js';
import { recognizeStranger } from './stranger.js';
import type { Turn } from './turn.js';

/** Receives what happens on one link. */
export interface LinkHandler {
  /** One well-formed message. The view is valid until the call returns. */
  message(view: MessageView, codec: Codec): void;
  /** One message was refused; the link goes on. */
  refused(error: SpokeError): void;
  /** The backlog is gone: whoever held back because `outbox.blocked` may go on. */
  drain(): void;
  /** Exactly once, last. */
  close(reason: CloseReason): void;
}

export interface LinkOptions {
  /** One codec: the link speaks it from the start. A list: the first bytes of the other side choose. */
  readonly codec: Codec | readonly Codec[];
  readonly limits: Limits;
  readonly turn: Turn;
  readonly total?: OutboundTotal;
}

// More than any codec needs to recognise its own stream.
const MAX_RECOGNITION_BYTES = 64;

/** Reads and writes messages on one connection. */
export class Link implements ConnectionHandler, FrameHandler {
  readonly connection: Connection;
  readonly outbox: Outbox;
  readonly #handler: LinkHandler;
  readonly #limits: Limits;
  readonly #turn: Turn;
  readonly #candidates: readonly Codec[];
  #codec: Codec | undefined;
  #deframer: Deframer | undefined;
  #reader: MessageReader | undefined;
  #first: Uint8Array = new Uint8Array(0);
  #ended = false;
  #chunks = 0;

  constructor(connection: Connection, handler: LinkHandler, options: LinkOptions) {
    this.connection = connection;
    this.#handler = handler;
    this.#limits = options.limits;
    this.#turn = options.turn;
    const { codec } = options;
    this.#candidates = 'name' in codec ? [codec] : codec;
    const total = options.total ?? { bytes: 0, limit: Infinity, exceeded() {} };
    this.outbox = new Outbox(connection, options.turn, options.limits.outboundBytes, total, () => this.#overflow());
    if ('name' in codec) this.#use(codec);
  }

  /** What the other side speaks; `undefined` until its first bytes told. */
  get codec(): Codec | undefined {
    return this.#codec;
  }

  /** Chunks received so far: whoever sees the same number twice has heard nothing in between. */
  get chunks(): number {
    return this.#chunks;
  }

  get ended(): boolean {
    return this.#ended;
  }

  start(): void {
    this.connection.start(this);
  }

  /** Ends now, because of this error. What is queued is dropped. */
  fail(error: SpokeError): void {
    this.#ended = true;
    this.outbox.close();
    this.connection.abort(error);
  }

  /** Sends what is queued, then ends. Nothing that still arrives is handled. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.outbox.finish();
    this.connection.close();
  }

  data(chunk: Uint8Array): void {
    if (this.#ended) return;
    this.#chunks++;
    this.#turn.begin();
    try {
      if (this.#deframer !== undefined) this.#deframer.push(chunk, this);
      else this.#recognize(chunk);
    } catch (error) {
      if (!(error instanceof SpokeError)) throw error;
      this.fail(error);
    }
  }

  frame(bytes: Uint8Array, start: number, end: number): void {
    // The rest of a chunk after the link was ended from within it.
    if (this.#ended || this.#reader === undefined || this.#codec === undefined) return;
    let view;
    try {
      view = this.#reader.read(bytes, start, end);
    } catch (error) {
      if (!(error instanceof SpokeError)) throw error;
      this.#handler.refused(error);
      return;
    }
    this.#handler.message(view, this.#codec);
  }

  refused(error: SpokeError): void {
    if (!this.#ended) this.#handler.refused(error);
  }

  drain(): void {
    this.outbox.drain();
    if (!this.outbox.blocked) this.#handler.drain();
  }

  close(reason: CloseReason): void {
    this.#ended = true;
    this.outbox.close();
    this.#handler.close(reason);
  }

  #use(codec: Codec): void {
    this.#codec = codec;
    this.#deframer = codec.framing.createDeframer(this.#limits.messageBytes);
    this.#reader = codec.createReader(this.#limits);
  }

  #recognize(chunk: Uint8Array): void {
    const first = this.#first.length === 0 ? chunk : concat(this.#first, chunk);
    const stranger = this.connection.boundaries === 'stream' ? recognizeStranger(first) : undefined;
    if (stranger !== undefined) {
      this.#turnAway(stranger);
      return;
    }
    let undecided = false;
    for (const codec of this.#candidates) {
      const verdict = codec.recognizes(first);
      if (verdict === undefined) undecided = true;
      else if (verdict) {
        this.#use(codec);
        this.#first = new Uint8Array(0);
        this.#deframer?.push(first, this);
        return;
      }
    }
    if (!undecided || first.length > MAX_RECOGNITION_BYTES) {
      const names = this.#candidates.map((codec) => codec.name).join(', ');
      throw new SpokeError('UNKNOWN_CODEC', `${this.connection.peer.address} speaks none of: ${names}`);
    }
    this.#first = first === chunk ? chunk.slice() : first;
  }

  #turnAway(stranger: Stranger): void {
    const { address } = this.connection.peer;
    const text = `${address} speaks ${stranger.protocol}; this endpoint is for spoke clients`;
    this.#handler.refused(new SpokeError('UNKNOWN_CODEC', text, { details: { address } }));
    this.#ended = true;
    this.connection.send(stranger.answer);
    this.connection.close();
  }

  #overflow(): void {
    if (this.#ended) return;
    const { address } = this.connection.peer;
    this.fail(
      new SpokeError(
        'SLOW_CONSUMER',
        `${address} does not read: more than ${this.#limits.outboundBytes} bytes (limits.outboundBytes) wait for it`,
        { details: { address, limit: this.#limits.outboundBytes } },
      ),
    );
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

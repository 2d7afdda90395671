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
import type { MakeOutbox, Outbox } from './outbox.js';
import type { Recognition } from './recognition.js';
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
  /** One codec: the link speaks it from the start. A recognition: the first bytes of the other side choose. */
  readonly codec: Codec | Recognition;
  readonly limits: Limits;
  readonly turn: Turn;
  readonly makeOutbox: MakeOutbox;
}

/** Reads and writes messages on one connection. */
export class Link implements ConnectionHandler, FrameHandler {
  readonly connection: Connection;
  readonly outbox: Outbox;
  readonly #handler: LinkHandler;
  readonly #limits: Limits;
  readonly #turn: Turn;
  #recognition: Recognition | undefined;
  #codec: Codec | undefined;
  #deframer: Deframer | undefined;
  #reader: MessageReader | undefined;
  #ended = false;
  /** Why this side hung up on a stream that cannot be read on. */
  #outOfStep: SpokeError | undefined;
  #chunks = 0;

  constructor(connection: Connection, handler: LinkHandler, options: LinkOptions) {
    this.connection = connection;
    this.#handler = handler;
    this.#limits = options.limits;
    this.#turn = options.turn;
    const { codec } = options;
    this.outbox = options.makeOutbox(connection, options.turn, (error) => {
      if (!this.#ended) this.fail(error);
    });
    if ('name' in codec) this.#use(codec);
    else this.#recognition = codec;
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
      // The other side is told why, if it can understand, before it is hung up on.
      this.#handler.refused(error);
      this.outbox.finish();
      this.#outOfStep = error;
      this.#ended = true;
      this.connection.close();
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
    this.#handler.close(this.#outOfStep === undefined ? reason : { by: 'error', error: this.#outOfStep });
  }

  #use(codec: Codec): void {
    this.#codec = codec;
    this.#deframer = codec.framing.createDeframer(this.#limits.messageBytes);
    this.#reader = codec.createReader(this.#limits);
  }

  #recognize(chunk: Uint8Array): void {
    const recognized = this.#recognition?.hear(chunk);
    if (recognized === undefined) return;
    if ('codec' in recognized) {
      this.#use(recognized.codec);
      this.#recognition = undefined;
      this.#deframer?.push(recognized.first, this);
      return;
    }
    this.#handler.refused(recognized.error);
    this.#ended = true;
    this.connection.send(recognized.answer);
    this.connection.close();
  }
}

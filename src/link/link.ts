// A connection plus a codec: messages in, frames out. The broker's sessions and the client are both made of it.

import type {
  ClientCodec,
  CloseReason,
  Connection,
  ConnectionHandler,
  FrameHandler,
  HeadView,
  Limits,
  MessageReader,
} from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import type { MakeOutbox, Outbox } from './outbox.js';

/** Receives what happens on one link. */
export interface LinkHandler<V extends HeadView = HeadView, C extends ClientCodec<V> = ClientCodec<V>> {
  /** One well-formed message. The view is valid until the call returns. */
  message(view: V, codec: C): void;
  /** One message was refused; the link goes on. */
  refused(error: SpokeError): void;
  /** The backlog is gone: whoever held back because `outbox.blocked` may go on. */
  drain(): void;
  /** Exactly once, last. */
  close(reason: CloseReason): void;
}

/** Where the chunks of a connection go: a deframer, or who is to find out which one. */
export interface Intake<L> {
  /** @throws {SpokeError} when the stream cannot be read on. */
  push(chunk: Uint8Array, link: L): void;
  /** Bytes held of what is not complete. */
  readonly pendingBytes: number;
}

export interface LinkOptions<V extends HeadView = HeadView, C extends ClientCodec<V> = ClientCodec<V>> {
  /** Spoken from the start. Without it, `recognition` gets what comes until it calls `use`. */
  readonly codec?: C;
  readonly recognition?: Intake<Link<V, C>>;
  readonly limits: Limits;
  readonly makeOutbox: MakeOutbox;
  /** A chunk has come in: its messages follow. */
  readonly onChunk?: () => void;
}

/** Reads and writes messages on one connection. A client's speaks a `ClientCodec`; a broker's needs a `Codec`. */
export class Link<V extends HeadView = HeadView, C extends ClientCodec<V> = ClientCodec<V>>
  implements ConnectionHandler, FrameHandler
{
  readonly connection: Connection;
  readonly outbox: Outbox;
  readonly #handler: LinkHandler<V, C>;
  readonly #limits: Limits;
  readonly #onChunk: (() => void) | undefined;
  protected intake: Intake<this> | undefined;
  #codec: C | undefined;
  #reader: MessageReader<V> | undefined;
  #ended = false;
  /** Why this side hung up on a stream that cannot be read on. */
  #outOfStep: SpokeError | undefined;
  #chunks = 0;

  constructor(connection: Connection, handler: LinkHandler<V, C>, options: LinkOptions<V, C>) {
    const { codec, recognition, limits, makeOutbox, onChunk } = options;
    this.connection = connection;
    this.#handler = handler;
    this.#limits = limits;
    this.#onChunk = onChunk;
    this.outbox = makeOutbox(connection, (error) => {
      if (!this.#ended) this.fail(error);
    });
    this.intake = recognition;
    if (codec !== undefined) this.use(codec);
  }

  /** What the other side speaks; `undefined` until its first bytes told. */
  get codec(): C | undefined {
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

  /** Speaks this codec from now on. */
  use(codec: C): void {
    this.#codec = codec;
    this.intake = codec.framing.createDeframer(this.#limits.messageBytes);
    this.#reader = codec.createReader(this.#limits);
  }

  /** Ends now, because of this error. What is queued is dropped. */
  fail(error: SpokeError): void {
    this.#ended = true;
    this.outbox.close();
    this.connection.abort(error);
  }

  /**
   * Sends what is queued, then ends. Nothing that still arrives is handled.
   * @param why - what the other side did wrong.
   */
  end(why?: SpokeError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.outbox.finish();
    this.connection.close(why);
  }

  data(chunk: Uint8Array): void {
    if (this.#ended) return;
    this.#chunks++;
    this.#onChunk?.();
    this.take(chunk);
  }

  /** Reads on with these bytes: a chunk, or what recognition has held back. */
  take(bytes: Uint8Array): void {
    try {
      this.intake?.push(bytes, this);
    } catch (error) {
      if (!(error instanceof SpokeError)) throw error;
      // The other side is told why, if it can understand, before it is hung up on.
      this.#handler.refused(error);
      this.#outOfStep = error;
      this.end(error);
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
}

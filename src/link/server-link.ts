// A link as a broker has it: it may stop reading, or keep what it reads, and knows how much has come.

import type { Clock, CloseReason, Codec, Connection, MessageView, SpokeError } from '../contracts/index.js';
import type { LinkHandler, LinkOptions } from './link.js';
import { Link } from './link.js';
import { Pieces } from './pieces.js';

export interface ServerLinkHandler extends LinkHandler<MessageView, Codec> {
  /** A chunk was read, and its messages handled. @param bytes - of the chunk. */
  heard(bytes: number): void;
}

export interface ServerLinkOptions extends LinkOptions<MessageView, Codec> {
  readonly clock: Pick<Clock, 'monotonic' | 'defer'>;
}

export class ServerLink extends Link<MessageView, Codec> {
  readonly #handler: ServerLinkHandler;
  readonly #onChunk: (() => void) | undefined;
  readonly #pieces: Pieces;
  #frames = 0;
  /** So many want it not to be read. */
  #pauses = 0;
  /** Frames that came while it was held. */
  #held: Uint8Array[] | undefined;

  constructor(connection: Connection, handler: ServerLinkHandler, options: ServerLinkOptions) {
    super(connection, handler, options);
    this.#handler = handler;
    this.#onChunk = options.onChunk;
    this.#pieces = new Pieces({
      clock: options.clock,
      take: (bytes) => this.#handle(bytes),
      wait: () => this.pause(),
      goOn: () => this.resume(),
    });
  }

  /** Messages received so far, those that could not be read as well. */
  get frames(): number {
    return this.#frames;
  }

  /** Bytes held of a message whose end has not come, or that wait for their turn. */
  get unfinishedBytes(): number {
    return (this.intake?.pendingBytes ?? 0) + this.#pieces.pendingBytes;
  }

  /** Whether this side does not read. */
  get paused(): boolean {
    return this.#pauses > 0;
  }

  /** Does not read until there was a `resume` for every `pause`: the other side has to wait, in time. */
  pause(): void {
    if (this.#pauses++ === 0) this.connection.pause();
  }

  resume(): void {
    if (--this.#pauses === 0 && !this.ended) this.connection.resume();
  }

  /** Handles nothing more until `release`: what is under way is kept, and the other side has to wait. */
  hold(): void {
    if (this.#held !== undefined) return;
    this.#held = [];
    this.pause();
  }

  /** Goes on where `hold` began. */
  release(): void {
    const frames = this.#held;
    if (frames === undefined) return;
    this.#held = undefined;
    this.#onChunk?.();
    for (const frame of frames) this.frame(frame, 0, frame.length);
    // One of them may have had it held again: the rest is in its list by now, and it stays paused.
    this.resume();
  }

  override data(chunk: Uint8Array): void {
    if (!this.ended) this.#pieces.push(chunk);
  }

  override fail(error: SpokeError): void {
    this.#pieces.drop();
    super.fail(error);
  }

  override end(why?: SpokeError): void {
    this.#pieces.drop();
    super.end(why);
  }

  override close(reason: CloseReason): void {
    // It came before the end.
    this.#pieces.finish();
    super.close(reason);
  }

  #handle(bytes: Uint8Array): void {
    if (this.ended) return;
    super.data(bytes);
    this.#handler.heard(bytes.length);
  }

  override frame(bytes: Uint8Array, start: number, end: number): void {
    if (this.#held !== undefined) {
      if (!this.ended) this.#held.push(bytes.slice(start, end));
      return;
    }
    if (!this.ended) this.#frames++;
    super.frame(bytes, start, end);
  }
}

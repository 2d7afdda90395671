// What every connection has in common. The author of a transport extends BaseConnection, fills in five methods, and
// reports what happens by four others; the life cycle, and which call may follow which, is kept here.

import type { CloseReason, Connection, ConnectionHandler, PeerInfo } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';

/**
 * A connection without its wire.
 *
 * States: `open` -> `closing` -> `closed`. `closing` begins with `close`, `abort`, a handler that throws, or the other
 * side's end; `closed` with the transport's call of `ended`. Only in `open` does the handler get `data` and `drain`.
 *
 * To be implemented: `boundaries`, `pendingBytes`, `write`, `startReading`, `stopReading`, `finish`, `drop`.
 * To be called: `received`, `drained`, `remoteEnded`, each from an event of the system and so never from inside one
 * of this object's methods; and `ended`, from anywhere.
 */
export abstract class BaseConnection implements Connection {
  abstract readonly boundaries: 'stream' | 'message';
  readonly peer: PeerInfo;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #handler: ConnectionHandler | undefined;
  #reason: CloseReason | undefined;
  #aborted = false;
  #paused = false;
  // `send` returned false, and `drain` is to follow.
  #drainOwed = false;
  // There was room again before there was a handler to be told.
  #drainedEarly = false;

  constructor(peer: PeerInfo) {
    this.peer = peer;
  }

  /** Bytes taken by `write` that have not left; 0 once closed. */
  abstract get pendingBytes(): number;

  /**
   * Queues bytes, never none. Neither changes nor copies them if it can be helped. Must not throw.
   * @returns `false`: too much is queued. `drained` must follow, unless the connection ends.
   */
  protected abstract write(chunk: Uint8Array): boolean;
  /** Lets `received` come. Called only while open; never twice without `stopReading` in between. */
  protected abstract startReading(): void;
  protected abstract stopReading(): void;
  /**
   * Sends what is queued, then ends and calls `ended`. Must come to an end even if the other side does nothing.
   * What still arrives is to be thrown away; `received` does it.
   */
  protected abstract finish(): void;
  /** Drops everything now and calls `ended`. May follow `finish`. */
  protected abstract drop(): void;

  /** For transports that act differently while they end. */
  protected get state(): 'open' | 'closing' | 'closed' {
    return this.#state;
  }

  start(handler: ConnectionHandler): void {
    if (this.#handler !== undefined) throw new TypeError(`the connection to ${this.peer.address} was already started`);
    this.#handler = handler;
    if (this.#state === 'closed') this.#announceEnd(handler);
    if (this.#state !== 'open') return;
    if (this.#drainedEarly) queueMicrotask(() => this.drained());
    if (!this.#paused) this.startReading();
  }

  send(chunk: Uint8Array): boolean {
    if (this.#state !== 'open') return false;
    if (chunk.length > 0 && !this.write(chunk)) this.#drainOwed = true;
    return !this.#drainOwed && this.#state === 'open';
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    if (this.#handler !== undefined && this.#state === 'open') this.stopReading();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#handler !== undefined && this.#state === 'open') this.startReading();
  }

  close(): void {
    if (this.#state === 'open') this.#end({ by: 'local' });
  }

  abort(error: SpokeError): void {
    if (this.#state === 'closed' || this.#aborted) return;
    this.#aborted = true;
    this.#state = 'closing';
    this.#reason = { by: 'error', error };
    this.drop();
  }

  /** Plain bytes (`plainBytes`) arrived, at least one. The buffer may be used again as soon as this returns. */
  protected received(chunk: Uint8Array): void {
    const handler = this.#handler;
    if (this.#state !== 'open' || handler === undefined) return;
    try {
      handler.data(chunk);
    } catch (error) {
      this.#handlerFailed('data', error);
    }
  }

  /** There is room again. Does nothing when nobody waits for it. */
  protected drained(): void {
    if (!this.#drainOwed || this.#state !== 'open') return;
    if (this.#handler === undefined) {
      this.#drainedEarly = true;
      return;
    }
    this.#drainOwed = false;
    this.#drainedEarly = false;
    try {
      this.#handler.drain();
    } catch (error) {
      this.#handlerFailed('drain', error);
    }
  }

  /** The other side ended in good order: nothing more will arrive. What is queued is still sent (`finish`). */
  protected remoteEnded(): void {
    if (this.#state === 'open') this.#end({ by: 'remote' });
  }

  /**
   * It is over, and nothing will be called any more. The cause that came first stands, so `reason` counts when there
   * was none yet; but an error also replaces `local`, for it means that what `close` had to send was not sent.
   */
  protected ended(reason?: CloseReason): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    if (this.#reason === undefined || (this.#reason.by === 'local' && reason?.by === 'error')) {
      this.#reason = reason ?? { by: 'error', error: lost(this.peer) };
    }
    if (this.#handler !== undefined) this.#announceEnd(this.#handler);
  }

  #end(reason: CloseReason): void {
    this.#state = 'closing';
    this.#reason = reason;
    this.finish();
  }

  // A microtask runs when no other code of ours does, so `close` is never called from inside a method or a handler.
  #announceEnd(handler: ConnectionHandler): void {
    const reason = this.#reason ?? { by: 'error', error: lost(this.peer) };
    queueMicrotask(() => {
      try {
        handler.close(reason);
      } catch {
        // There is no connection left to lose, and nobody to tell.
      }
    });
  }

  #handlerFailed(method: 'data' | 'drain', cause: unknown): void {
    const text = cause instanceof Error ? cause.message : String(cause);
    const { address } = this.peer;
    this.abort(
      new SpokeError(
        'HANDLER_FAILED',
        `the connection to ${address} was ended: its handler's ${method}() threw: ${text}`,
        {
          cause,
          details: { address },
        },
      ),
    );
  }
}

function lost(peer: PeerInfo): SpokeError {
  return new SpokeError('CONNECTION_LOST', `the connection to ${peer.address} was lost`, {
    retryable: true,
    details: { address: peer.address },
  });
}

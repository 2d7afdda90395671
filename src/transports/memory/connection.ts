// One end of a connection inside the process.

import { SpokeError } from '../../contracts/index.js';
import { BaseConnection } from '../base-connection.js';

/** What the ends of one memory network share. */
export interface MemoryWire {
  /** Runs the callback later, never from inside the call. */
  defer(callback: () => void): void;
  /** Bytes on the way in one direction, from which on `send` returns `false`. */
  readonly highWaterMark: number;
  /** Hands a chunk to the receiver by calling `receive`. */
  deliver(chunk: Uint8Array, receive: (chunk: Uint8Array) => void): void;
}

/**
 * Chunks wait in the inbox of the receiving end and count as pending at the sending one. Each end delivers in turns of
 * its own; a turn takes what was there when it began, so two ends that answer each other let the event loop breathe.
 */
export class MemoryConnection extends BaseConnection {
  readonly boundaries = 'message';
  readonly #wire: MemoryWire;
  readonly #receive = (chunk: Uint8Array) => this.received(chunk);
  #other: MemoryConnection | undefined;
  #inbox: Uint8Array[] = [];
  // Bytes of this end in the other one's inbox.
  #pending = 0;
  #reading = false;
  #turnScheduled = false;
  #otherEnded = false;

  /** Two ends, joined. `address` of each names the other side. */
  static pair(wire: MemoryWire, connecting: string, accepting: string): [MemoryConnection, MemoryConnection] {
    const client = new MemoryConnection(wire, accepting);
    const server = new MemoryConnection(wire, connecting);
    client.#other = server;
    server.#other = client;
    return [client, server];
  }

  private constructor(wire: MemoryWire, address: string) {
    super({ address });
    this.#wire = wire;
  }

  get pendingBytes(): number {
    return this.#pending;
  }

  protected write(chunk: Uint8Array): boolean {
    // The other end has gone and this one has yet to see it: as on any wire, the bytes are lost.
    if (this.#other === undefined) return false;
    this.#pending += chunk.length;
    this.#other.#inbox.push(chunk);
    this.#other.#scheduleTurn();
    return this.#pending < this.#wire.highWaterMark;
  }

  protected startReading(): void {
    this.#reading = true;
    this.#scheduleTurn();
  }

  protected stopReading(): void {
    this.#reading = false;
  }

  // What was sent lies in the other end's inbox already: it belongs to that one now, which may read it at leisure.
  protected finish(): void {
    const other = this.#detach();
    if (other !== undefined) {
      other.#otherEnded = true;
      other.#scheduleTurn();
    }
    this.#wire.defer(() => this.ended());
  }

  protected drop(): void {
    const other = this.#detach();
    if (other !== undefined) {
      other.#detach();
      this.#wire.defer(() => other.ended({ by: 'error', error: resetBy(other.peer.address) }));
    }
    this.ended();
  }

  /** Separates this end from the other one; what was on its way to this one is gone. */
  #detach(): MemoryConnection | undefined {
    const other = this.#other;
    this.#inbox = [];
    this.#pending = 0;
    this.#other = undefined;
    if (other !== undefined) {
      other.#other = undefined;
      other.#pending = 0;
    }
    return other;
  }

  #scheduleTurn(): void {
    if (this.#turnScheduled || !this.#reading) return;
    this.#turnScheduled = true;
    this.#wire.defer(() => this.#turn());
  }

  #turn(): void {
    this.#turnScheduled = false;
    const chunks = this.#inbox;
    this.#inbox = [];
    let taken = 0;
    for (const chunk of chunks) {
      if (!this.#reading || this.state !== 'open') break;
      taken++;
      this.#wire.deliver(chunk, this.#receive);
      // Read again: the call may have ended the connection.
      const sender = this.#other;
      if (sender !== undefined) sender.#taken(chunk.length);
    }
    if (this.state !== 'open') return;
    if (taken < chunks.length) this.#inbox = [...chunks.slice(taken), ...this.#inbox];
    if (!this.#reading) return;
    if (this.#inbox.length > 0) this.#scheduleTurn();
    else if (this.#otherEnded) this.remoteEnded();
  }

  #taken(bytes: number): void {
    this.#pending -= bytes;
    // Half-way down, so that sender and receiver do not take turns for every chunk.
    if (this.#pending <= this.#wire.highWaterMark / 2) this.drained();
  }
}

function resetBy(address: string): SpokeError {
  return new SpokeError('CONNECTION_LOST', `${address} aborted the connection`, {
    retryable: true,
    details: { address },
  });
}

// One end of a connection between two threads: bytes over a MessagePort.

import { BaseConnection } from 'spoke';
import type { MessagePort } from 'node:worker_threads';

/** What two ends say to each other: bytes; how many bytes they have taken; that nothing more will come. */
type PortMessage = Uint8Array | number | 'end';

/** Bytes on their way that the other end has not taken yet: from here on they wait on this side. */
const WINDOW = 256 * 1024;

/**
 * A port takes everything and never says stop, so the ends agree on it themselves: the receiver tells how much it has
 * taken, and the sender lets no more than `WINDOW` be on its way.
 */
export class PortConnection extends BaseConnection {
  /** One `postMessage` is one `message` event. */
  readonly boundaries = 'message';
  readonly #port: MessagePort;
  #portClosed = false;

  // Sending.
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #bytesOnTheirWay = 0;

  // Receiving.
  #reading = false;
  #inbox: Uint8Array[] = [];
  #endArrived = false;
  #untold = 0;

  /** @param address - of the other side, for logs and errors. */
  constructor(port: MessagePort, address: string) {
    super({ address });
    this.#port = port;
    port.on('message', (message: PortMessage) => this.#message(message));
    port.on('close', () => this.#closed());
  }

  get pendingBytes(): number {
    return this.#waitingBytes + this.#bytesOnTheirWay;
  }

  protected write(chunk: Uint8Array): boolean {
    // The other side has left. The end will be noticed when what it had sent has been read.
    if (this.#portClosed) return false;
    if (this.#bytesOnTheirWay < WINDOW) {
      this.#post(chunk);
    } else {
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
    }
    return this.pendingBytes < WINDOW;
  }

  protected startReading(): void {
    this.#reading = true;
    // Not now: nothing may be delivered from inside a call of `start` or `resume`.
    setImmediate(() => this.#readInbox());
  }

  protected stopReading(): void {
    this.#reading = false;
  }

  protected finish(): void {
    // More than the window, but the last of it: nothing is gained by waiting for the other side.
    for (const chunk of this.#waiting) this.#post(chunk);
    this.#port.postMessage('end' satisfies PortMessage);
    this.#leave();
    // A port that is closed already does not say so again.
    if (this.#portClosed) this.ended();
  }

  protected drop(): void {
    this.#leave();
    this.ended();
  }

  #leave(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#bytesOnTheirWay = 0;
    this.#inbox = [];
    this.#port.close();
  }

  #post(chunk: Uint8Array): void {
    // A copy, because the chunk belongs to others as well; and then the copy itself is moved, not copied once more.
    const copy = new Uint8Array(chunk);
    this.#bytesOnTheirWay += copy.length;
    this.#port.postMessage(copy satisfies PortMessage, [copy.buffer]);
  }

  #message(message: PortMessage): void {
    if (message === 'end') {
      this.#endArrived = true;
      this.#readInbox();
    } else if (typeof message === 'number') {
      this.#bytesOnTheirWay -= message;
      this.#sendWaiting();
    } else {
      this.#inbox.push(message);
      this.#readInbox();
    }
  }

  #sendWaiting(): void {
    let sent = 0;
    for (const chunk of this.#waiting) {
      if (this.#bytesOnTheirWay >= WINDOW) break;
      sent++;
      this.#waitingBytes -= chunk.length;
      this.#post(chunk);
    }
    this.#waiting.splice(0, sent);
    // Half-way down, so that sender and receiver do not take turns for every chunk.
    if (this.pendingBytes <= WINDOW / 2) this.drained();
  }

  #readInbox(): void {
    while (this.#reading && this.state === 'open') {
      const chunk = this.#inbox.shift();
      if (chunk === undefined) {
        if (this.#endArrived) this.remoteEnded();
        return;
      }
      this.received(chunk);
      this.#tell(chunk.length);
    }
  }

  // One message for all that is taken in one turn of the event loop.
  #tell(bytes: number): void {
    if (this.#untold === 0) {
      setImmediate(() => {
        this.#port.postMessage(this.#untold satisfies PortMessage);
        this.#untold = 0;
      });
    }
    this.#untold += bytes;
  }

  #closed(): void {
    this.#portClosed = true;
    // The other side closed in good order, and this one has not read everything yet.
    if (this.#endArrived && this.state === 'open') return;
    // We closed it ourselves; or it was closed without a word, by an abort or the end of a thread: then it is lost.
    this.ended();
  }
}

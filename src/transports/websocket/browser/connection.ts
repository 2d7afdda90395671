// A connection over the WebSocket of a browser.
//
// A browser's WebSocket cannot be paused, does not say when there is room again, and cannot drop what is queued. So `pause`
// holds messages here, up to a limit; room is looked for by a timer, only after `send` returned false; and `abort` lets
// the browser send what it has.

import type { CloseReason, PeerInfo } from '../../../contracts/index.js';
import { SpokeError } from '../../../contracts/index.js';
import { BaseConnection } from '../../base-connection.js';
import { Inbox } from '../inbox.js';
import { terminated } from '../text.js';
import type { BrowserSocket } from './socket.js';

/** More than over a socket, because room is only looked for every so often. */
const HIGH_WATER_MARK = 1024 * 1024;
const ROOM = HIGH_WATER_MARK / 2;
/** Milliseconds; pages in the background are given a second. */
const LOOK_FOR_ROOM = 10;
/** Codes of the closing handshake (RFC 6455, 7.4); ../closing.ts has names for them, too many for a page. */
const NORMAL = 1000;
const GOING_AWAY = 1001;
const NO_CODE = 1005;
/** The first of the codes that a page may use for itself, apart from 1000. */
const ABORTED = 4000;
const OPEN = 1;

export interface BrowserConnectionOptions {
  /** Open, with `binaryType` "arraybuffer". */
  readonly socket: BrowserSocket;
  readonly peer: PeerInfo;
  /** Bytes that may be held while it is paused. */
  readonly heldBytes: number;
  /** Milliseconds without progress after which an ending connection counts as lost. */
  readonly closeTimeout: number;
}

export class BrowserConnection extends BaseConnection {
  readonly boundaries = 'message';
  readonly #socket: BrowserSocket;
  readonly #heldBytes: number;
  readonly #closeTimeout: number;
  readonly #inbox = new Inbox((message) => this.received(message));
  #closeTimer: ReturnType<typeof setTimeout> | undefined;
  #roomTimer: ReturnType<typeof setTimeout> | undefined;
  #farewell = '';

  constructor(options: BrowserConnectionOptions) {
    super(options.peer);
    const { socket } = options;
    this.#socket = socket;
    this.#heldBytes = options.heldBytes;
    this.#closeTimeout = options.closeTimeout;
    socket.addEventListener('message', ({ data }) => this.#message(data));
    socket.addEventListener('close', ({ code, reason }) => {
      const why = this.state === 'closing' ? undefined : reasonOf(this.peer.address, code, reason);
      this.#inbox.endWith(() => this.#over(why));
    });
  }

  get pendingBytes(): number {
    return this.#isOver ? 0 : this.#socket.bufferedAmount;
  }

  protected write(chunk: Uint8Array): boolean {
    if (this.#socket.readyState !== OPEN) return false;
    this.#socket.send(ownBuffer(chunk));
    if (this.#socket.bufferedAmount < HIGH_WATER_MARK) return true;
    this.#roomTimer ??= setTimeout(() => this.#lookForRoom(), LOOK_FOR_ROOM);
    return false;
  }

  protected startReading(): void {
    this.#inbox.open();
  }

  protected stopReading(): void {
    this.#inbox.shut();
  }

  protected finish(): void {
    this.#socket.close(NORMAL);
    this.#inbox.discard();
    if (!this.#isOver) this.#giveUpWithoutProgress();
  }

  override abort(error: SpokeError): void {
    this.#farewell = error.code;
    super.abort(error);
  }

  protected drop(): void {
    this.#socket.close(ABORTED, this.#farewell);
    this.#inbox.discard();
    this.#over(undefined);
  }

  get #isOver(): boolean {
    return this.state === 'closed';
  }

  #message(data: unknown): void {
    if (this.state !== 'open') return;
    const bytes = bytesOf(data);
    if (bytes === undefined) return;
    this.#inbox.push(bytes);
    if (this.#inbox.bytes <= this.#heldBytes) return;
    const { address } = this.peer;
    const text = `${address}: more than ${this.#heldBytes} bytes came while paused (limits.outboundBytes)`;
    this.abort(new SpokeError('SLOW_CONSUMER', text, { details: { address, limit: this.#heldBytes } }));
  }

  #lookForRoom(): void {
    this.#roomTimer = undefined;
    if (this.#isOver) return;
    if (this.#socket.bufferedAmount <= ROOM) this.drained();
    else this.#roomTimer = setTimeout(() => this.#lookForRoom(), LOOK_FOR_ROOM);
  }

  #giveUpWithoutProgress(): void {
    const before = this.#socket.bufferedAmount;
    this.#closeTimer = setTimeout(() => {
      if (this.#socket.bufferedAmount < before) {
        this.#giveUpWithoutProgress();
        return;
      }
      const { address } = this.peer;
      const text = `${address}: nothing was taken for ${this.#closeTimeout} ms while closing`;
      const error = new SpokeError('CONNECTION_LOST', text, { retryable: true, details: { address } });
      this.#over(before > 0 ? { by: 'error', error } : undefined);
    }, this.#closeTimeout);
  }

  #over(reason: CloseReason | undefined): void {
    clearTimeout(this.#closeTimer);
    clearTimeout(this.#roomTimer);
    this.ended(reason);
  }
}

function reasonOf(address: string, code: number, reason: string): CloseReason {
  if (code === NORMAL || code === GOING_AWAY || code === NO_CODE) return { by: 'remote' };
  const text = `${address}: the connection was lost (${code}) ${reason}`;
  return {
    by: 'error',
    error: new SpokeError('CONNECTION_LOST', text, { retryable: true, details: { address, code } }),
  };
}

function bytesOf(data: unknown): Uint8Array | undefined {
  const bytes =
    typeof data === 'string'
      ? terminated(new TextEncoder().encode(data))
      : data instanceof ArrayBuffer
        ? new Uint8Array(data)
        : new Uint8Array(0);
  return data === '' || bytes.length === 0 ? undefined : bytes;
}

// Browsers do not send shared memory.
function ownBuffer(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  return isOwn(chunk) ? chunk : new Uint8Array(chunk);
}

function isOwn(chunk: Uint8Array): chunk is Uint8Array<ArrayBuffer> {
  return chunk.buffer instanceof ArrayBuffer;
}

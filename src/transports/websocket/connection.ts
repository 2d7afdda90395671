// A connection over one WebSocket of the package ws.

import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { CloseReason, PeerInfo } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { BaseConnection } from '../base-connection.js';
import { plainBytes } from '../plain-bytes.js';
import { connectionLost, flushTimedOut, systemCode, textOf } from '../tcp/errors.js';
import type { Farewell } from './closing.js';
import { farewellOf, LOST, reasonOf } from './closing.js';
import { Inbox } from './inbox.js';
import { terminated } from './text.js';

/** Bytes queued in this process from which on `send` returns `false`; what the system holds comes on top. */
const HIGH_WATER_MARK = 64 * 1024;
/** Milliseconds that an aborted connection has to take its farewell. */
const FAREWELL_TIMEOUT = 1000;
const OPEN = 1;

export interface WebSocketConnectionOptions {
  /** Open, and paused since it is. */
  readonly webSocket: WebSocket;
  /** The one below it. */
  readonly socket: Socket;
  readonly peer: PeerInfo;
  /** Code that an orderly end of this side is told with. */
  readonly closeCode: number;
  /** Milliseconds without progress after which an ending connection is cut. */
  readonly closeTimeout: number;
}

/**
 * One `send` is one binary message. Text messages are taken as well. It ends by the handshake of WebSocket: both sides have
 * then read everything that the other sent before.
 */
export class WebSocketConnection extends BaseConnection {
  readonly boundaries = 'message';
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #closeCode: number;
  readonly #closeTimeout: number;
  #closeTimer: NodeJS.Timeout | undefined;
  #farewell: Farewell | undefined;
  #failure: unknown;
  // ws parses a chunk of the socket to its end, also when its messages are no longer wanted.
  readonly #inbox = new Inbox(
    (message) => this.received(message),
    () => this.#webSocket.resume(),
  );
  // It was cut while it still had something to send.
  #cutShort = false;

  constructor(options: WebSocketConnectionOptions) {
    super(options.peer);
    const { webSocket, socket } = options;
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#closeCode = options.closeCode;
    this.#closeTimeout = options.closeTimeout;
    // Its type has three forms; without another `binaryType` there is one.
    webSocket.on('message', (data, isBinary) => {
      if (!Array.isArray(data) && !(data instanceof ArrayBuffer)) this.#message(data, isBinary);
    });
    webSocket.on('error', (error) => {
      this.#failure ??= error;
      // ws has said farewell (1009, say) and waits for that of the other side.
      this.#cutWithoutProgress();
    });
    webSocket.on('close', (code, reason) => this.#closed(code, reason.toString()));
    socket.on('drain', () => this.drained());
    socket.on('error', (error) => {
      this.#failure ??= error;
    });
  }

  get pendingBytes(): number {
    return this.#socket.destroyed ? 0 : this.#socket.writableLength;
  }

  protected write(chunk: Uint8Array): boolean {
    // The other side has said farewell, and its end is to be seen at any moment.
    if (this.#webSocket.readyState !== OPEN) return false;
    this.#webSocket.send(chunk, SEND_OPTIONS);
    return this.#socket.writableLength < HIGH_WATER_MARK;
  }

  protected startReading(): void {
    this.#inbox.open();
    if (this.#inbox.isEmpty) this.#webSocket.resume();
  }

  protected stopReading(): void {
    this.#inbox.shut();
    this.#webSocket.pause();
  }

  override close(why?: SpokeError): void {
    if (why !== undefined) this.#farewell ??= farewellOf(why);
    super.close();
  }

  protected finish(): void {
    this.#sayFarewell(this.#farewell ?? { code: this.#closeCode, reason: '' });
    if (this.state === 'closing') this.#cutWithoutProgress();
  }

  override abort(error: SpokeError): void {
    this.#farewell ??= farewellOf(error);
    super.abort(error);
  }

  protected drop(): void {
    this.#inbox.discard();
    const farewell = this.#farewell;
    if (farewell === undefined || this.#webSocket.readyState !== OPEN || this.#socket.writableLength > 0) {
      this.#webSocket.terminate();
      return;
    }
    // Nothing is in the way of a last word, by which the other side learns why.
    this.#sayFarewell(farewell);
    clearTimeout(this.#closeTimer);
    this.#closeTimer = setTimeout(() => this.#webSocket.terminate(), FAREWELL_TIMEOUT);
  }

  #sayFarewell({ code, reason }: Farewell): void {
    this.#webSocket.close(code, reason);
    // Reads on, and throws away, until the other side's farewell.
    this.#inbox.discard();
    this.#webSocket.resume();
  }

  #message(data: Uint8Array, isBinary: boolean): void {
    if (data.length === 0) return;
    const bytes = isBinary ? plainBytes(data) : terminated(plainBytes(data));
    if (this.state === 'open') this.#inbox.push(bytes);
  }

  #cutWithoutProgress(): void {
    clearTimeout(this.#closeTimer);
    const before = this.#socket.writableLength;
    this.#closeTimer = setTimeout(() => {
      if (this.#socket.writableLength < before) {
        this.#cutWithoutProgress();
        return;
      }
      this.#cutShort = before > 0;
      this.#webSocket.terminate();
    }, this.#closeTimeout);
  }

  #closed(code: number, reason: string): void {
    clearTimeout(this.#closeTimer);
    const why = this.#reason(code, reason);
    this.#inbox.endWith(() => {
      clearTimeout(this.#closeTimer);
      this.ended(why);
    });
  }

  #reason(code: number, reason: string): CloseReason | undefined {
    const { address } = this.peer;
    // Both have said farewell, and so has everything been read that was sent.
    if (this.state === 'closing' && code !== LOST) return undefined;
    if (this.#cutShort) return { by: 'error', error: flushTimedOut(address, this.#closeTimeout) };
    if (this.#failure !== undefined) return { by: 'error', error: failureOf(address, this.#failure) };
    return this.state === 'closing' ? undefined : reasonOf(address, code, reason);
  }
}

const SEND_OPTIONS = { binary: true, compress: false } as const;

function failureOf(address: string, failure: unknown): SpokeError {
  const code = systemCode(failure) ?? '';
  if (!code.startsWith('WS_ERR_')) return connectionLost(address, failure);
  const details = { address };
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
    const text = `${address}: a WebSocket message is too long (limits.messageBytes, and 1 MiB more)`;
    return new SpokeError('LIMIT_EXCEEDED', text, { cause: failure, details });
  }
  return new SpokeError('MALFORMED', `${address}: ${textOf(failure)}`, { cause: failure, details });
}

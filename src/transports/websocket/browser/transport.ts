// WebSocket for browsers: connects, and cannot listen.

import type { Address, Connection, ConnectOptions, Listener, Transport } from '../../../contracts/index.js';
import { SpokeError } from '../../../contracts/index.js';
import { formatAddress } from '../../address.js';
import { DEFAULT_WEB_PORT } from '../../endpoint.js';
import { abortedError, requireNotAborted } from '../../opening.js';
import { BrowserConnection } from './connection.js';
import type { BrowserSocket, BrowserSocketClass } from './socket.js';
import { globalSocketClass } from './socket.js';

export interface BrowserWebSocketTransportOptions {
  /** Default: the host's global `WebSocket`. */
  readonly WebSocket?: BrowserSocketClass;
  /** Milliseconds that an ending connection may make no progress before it counts as lost. Default 5,000. */
  readonly closeTimeout?: number;
}

const DEFAULT_CLOSE_TIMEOUT = 5000;
const CONNECTING = 0;

/**
 * `ws://host:port/path?name=value` and `wss://`. The default port is 7182, not that of web pages.
 */
export class BrowserWebSocketTransport implements Transport {
  readonly schemes: readonly string[] = ['ws', 'wss'];
  readonly #class: BrowserSocketClass | undefined;
  readonly #closeTimeout: number;

  /** @throws {TypeError} when `closeTimeout` is not a positive number. */
  constructor(options: BrowserWebSocketTransportOptions = {}) {
    this.#class = options.WebSocket;
    this.#closeTimeout = options.closeTimeout ?? DEFAULT_CLOSE_TIMEOUT;
    if (!(this.#closeTimeout > 0)) throw new TypeError('closeTimeout must be a positive number of milliseconds');
  }

  async connect(address: Address, options: ConnectOptions): Promise<Connection> {
    const { signal, limits } = options;
    requireNotAborted(address, signal);
    const { scheme, path, params } = address;
    const target = { scheme, host: address.host || 'localhost', port: address.port ?? DEFAULT_WEB_PORT };
    const socket = this.#open(address, formatAddress({ ...target, path: path || '/', params }));
    const connection = () =>
      new BrowserConnection({
        socket,
        peer: { address: formatAddress({ ...target, path }) },
        heldBytes: limits.outboundBytes,
        closeTimeout: this.#closeTimeout,
      });
    return whenOpen(socket, connection, address, limits.connectTimeout, signal);
  }

  async listen(address: Address): Promise<Listener> {
    throw new SpokeError('LISTEN_FAILED', `${address.href}: a browser cannot listen`);
  }

  #open(address: Address, url: string): BrowserSocket {
    const SocketClass = this.#class ?? globalSocketClass();
    if (SocketClass === undefined) {
      throw new SpokeError('CONNECT_FAILED', `${address.href}: there is no global WebSocket here; give one`);
    }
    try {
      const socket = new SocketClass(url);
      socket.binaryType = 'arraybuffer';
      return socket;
    } catch (cause) {
      // A page that came by https:// may not use ws://, for example; waiting does not change that.
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new SpokeError('CONNECT_FAILED', `${address.href}: cannot connect: ${why}`, { cause });
    }
  }
}

// The connection is made in the event itself: messages may follow at once.
function whenOpen(
  socket: BrowserSocket,
  connection: () => Connection,
  address: Address,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<Connection> {
  const { href } = address;
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    // Once the connection is open, the socket's events come here for nothing.
    const fail = (error: SpokeError) => {
      stop();
      reject(error);
      if (socket.readyState === CONNECTING) socket.close();
    };
    const failed = (why: string) =>
      fail(
        new SpokeError('CONNECT_FAILED', `${href}: cannot connect: ${why}`, {
          retryable: true,
          details: { address: href },
        }),
      );
    const onAbort = () => {
      if (signal !== undefined) fail(abortedError(address, signal));
    };
    const timer = setTimeout(() => failed(`no answer within ${timeout} ms (limits.connectTimeout)`), timeout);
    signal?.addEventListener('abort', onAbort);
    socket.addEventListener('open', () => {
      stop();
      resolve(connection());
    });
    // Browsers keep the reason from pages; their console has it.
    socket.addEventListener('error', () => {
      failed('nobody is there, or refused this page, or its certificate is not trusted');
    });
    socket.addEventListener('close', ({ code }) => failed(`it was closed at once (${code})`));
  });
}

// The network inside one process, and the reference for all other transports: asynchronous, bounded, honours pause.

import type {
  Address,
  Clock,
  Connection,
  ConnectOptions,
  Listener,
  ListenOptions,
  Transport,
} from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { formatAddress } from '../address.js';
import { handOver, requireNotAborted } from '../opening.js';
import { plainBytes } from '../plain-bytes.js';
import type { MemoryWire } from './connection.js';
import { MemoryConnection } from './connection.js';
import { systemDefer } from './system-defer.js';

export interface MemoryTransportOptions {
  /** Bytes on the way in one direction of one connection, from which on `send` returns `false`. Default 65,536. */
  readonly highWaterMark?: number;
  /** When things are delivered. Default: as soon as the host's event loop comes round. */
  readonly clock?: Pick<Clock, 'defer'>;
  /**
   * Delivers every chunk in one buffer that is overwritten after the call, as transports that read into a static buffer
   * do: a receiver that keeps a chunk is found out. Costs a copy. Default `false`.
   */
  readonly scribble?: boolean;
}

interface Endpoint {
  readonly onConnection: (connection: Connection) => void;
  readonly onError: ListenOptions['onError'];
  accepted: number;
}

const DEFAULT_HIGH_WATER_MARK = 64 * 1024;
const SCRIBBLE = 0xdb;

/**
 * `memory://name`. One instance is one network: what shall meet must be given the same instance. Any name that
 * somebody listens on can be connected to; host, port and path together are the name.
 */
export class MemoryTransport implements Transport {
  readonly schemes: readonly string[] = ['memory'];
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #wire: MemoryWire;

  /** @throws {TypeError} when `highWaterMark` is not a positive number. */
  constructor(options: MemoryTransportOptions = {}) {
    const { highWaterMark = DEFAULT_HIGH_WATER_MARK, clock, scribble = false } = options;
    if (!(highWaterMark > 0)) throw new TypeError('highWaterMark must be a positive number of bytes');
    this.#wire = {
      defer: clock === undefined ? systemDefer() : (callback) => clock.defer(callback),
      highWaterMark,
      deliver: scribble ? scribbling() : (chunk, receive) => receive(plainBytes(chunk)),
    };
  }

  async connect(address: Address, options: ConnectOptions): Promise<Connection> {
    const { signal } = options;
    const name = nameOf(address);
    requireNotAborted(address, signal);
    await this.#nextTurn();
    requireNotAborted(address, signal);
    const endpoint = this.#endpoints.get(name);
    if (endpoint === undefined) {
      throw new SpokeError('CONNECT_FAILED', `${name}: nobody listens there in this memory network`, {
        retryable: true,
        details: { address: name },
      });
    }
    const [client, server] = MemoryConnection.pair(this.#wire, `${name}#${++endpoint.accepted}`, name);
    handOver(server, endpoint.onConnection, endpoint.onError);
    return client;
  }

  async listen(
    address: Address,
    onConnection: (connection: Connection) => void,
    options: ListenOptions,
  ): Promise<Listener> {
    const { signal, onError } = options;
    const name = nameOf(address);
    requireNotAborted(address, signal);
    if (this.#endpoints.has(name)) {
      throw new SpokeError('ADDRESS_IN_USE', `${name}: somebody listens there already in this memory network`, {
        retryable: true,
        details: { address: name },
      });
    }
    const endpoint: Endpoint = { onConnection, onError, accepted: 0 };
    const free = () => {
      if (this.#endpoints.get(name) === endpoint) this.#endpoints.delete(name);
    };
    this.#endpoints.set(name, endpoint);
    await this.#nextTurn();
    if (signal?.aborted) free();
    requireNotAborted(address, signal);
    return {
      address: name,
      async close() {
        free();
      },
    };
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => {
      this.#wire.defer(resolve);
    });
  }
}

function nameOf(address: Address): string {
  if (address.host === '' && address.path.length <= 1) {
    throw new SpokeError('ADDRESS_INVALID', `${address.href}: a memory address needs a name, as in memory://broker`);
  }
  if (address.params.size > 0) {
    throw new SpokeError('ADDRESS_INVALID', `${address.href}: a memory address takes no parameters`);
  }
  const { scheme, host, port, path } = address;
  return formatAddress({ scheme, host, path, ...(port !== undefined && { port }) });
}

function scribbling(): MemoryWire['deliver'] {
  let scratch = new Uint8Array(0);
  return (chunk, receive) => {
    if (scratch.length < chunk.length) scratch = new Uint8Array(chunk.length);
    scratch.set(chunk);
    try {
      receive(scratch.subarray(0, chunk.length));
    } finally {
      scratch.fill(SCRIBBLE, 0, chunk.length);
    }
  };
}

// Several brokers as one to connect to: whoever of them can be reached. Not loaded by pages.

import type { Address, Connection, ConnectOptions, Listener, Transport } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { textOf } from './report.js';

/** One broker, and what reaches it. */
export interface Target {
  readonly address: Address;
  /** Serves the scheme of `address`. */
  readonly transport: Transport;
}

/**
 * Connects to the first of a list of brokers that can be reached, beginning behind the one that it was connected to last: that
 * one has just gone. One attempt is one round through the list, so that the delay between attempts does not add up.
 */
export class Failover implements Transport {
  readonly schemes: readonly string[] = [];
  readonly #targets: readonly [Target, ...Target[]];
  #current: Target;
  #next = 0;

  constructor(targets: readonly [Target, ...Target[]]) {
    this.#targets = targets;
    [this.#current] = targets;
  }

  /** Of the broker that it is connected to, or was last, or tries now. */
  get address(): Address {
    const current = () => this.#current.address;
    return {
      get href() {
        return current().href;
      },
      get scheme() {
        return current().scheme;
      },
      get host() {
        return current().host;
      },
      get port() {
        return current().port;
      },
      get path() {
        return current().path;
      },
      get params() {
        return current().params;
      },
    };
  }

  /** @throws {SpokeError} what the only target says, or `CONNECT_FAILED` with what each of them says; `ABORTED`. */
  async connect(_address: Address, options: ConnectOptions): Promise<Connection> {
    const failures: SpokeError[] = [];
    const first = this.#next;
    for (let i = 0; i < this.#targets.length; i++) {
      const at = (first + i) % this.#targets.length;
      const target = this.#targets[at] ?? this.#current;
      this.#current = target;
      try {
        const connection = await target.transport.connect(target.address, options);
        this.#next = (at + 1) % this.#targets.length;
        return connection;
      } catch (error) {
        if (options.signal?.aborted) throw error;
        failures.push(asFailure(error));
      }
    }
    throw ofAll(failures);
  }

  /** A list is no place to listen. */
  listen(): Promise<Listener> {
    return Promise.reject(new SpokeError('LISTEN_FAILED', 'a list of brokers is only for connecting'));
  }
}

function asFailure(error: unknown): SpokeError {
  return error instanceof SpokeError ? error : new SpokeError('CONNECT_FAILED', textOf(error), { cause: error });
}

function ofAll(failures: readonly SpokeError[]): SpokeError {
  const text = `none of ${failures.length} brokers can be reached: ${failures.map(({ message }) => message).join('; ')}`;
  return new SpokeError('CONNECT_FAILED', text, {
    cause: new AggregateError(failures),
    // One of them that will do some day is enough.
    retryable: failures.some(({ retryable }) => retryable),
  });
}

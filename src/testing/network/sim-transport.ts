// The transport that one member of a simulated network has: what it opens and accepts belongs to that member.

import type { Address, Connection, ConnectOptions, Listener, ListenOptions, Transport } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { handOver } from '../../transports/index.js';
import type { SimWire } from './sim-connection.js';
import { SimConnection } from './sim-connection.js';

/** Somebody who listens. */
export interface SimEndpoint {
  readonly member: string;
  readonly accept: (connection: Connection) => void;
  readonly onError: ListenOptions['onError'];
}

/** What all members of one network share. */
export interface SimBackbone extends SimWire {
  /** By name, as in `memory://name`. */
  readonly endpoints: Map<string, SimEndpoint>;
  /** A connection was made. */
  opened(ends: readonly SimConnection[]): void;
  nextNumber(): number;
}

export class SimTransport implements Transport {
  readonly schemes: readonly string[] = ['memory'];
  readonly #member: string;
  readonly #backbone: SimBackbone;

  constructor(member: string, backbone: SimBackbone) {
    this.#member = member;
    this.#backbone = backbone;
  }

  async connect(address: Address, { signal, limits }: ConnectOptions): Promise<Connection> {
    if (signal?.aborted) throw aborted(address, signal);
    const deadline = this.#backbone.monotonic() + limits.connectTimeout;
    // There and back, as a handshake takes; on a network that is split, until the time is over.
    await this.#wait(2 * this.#backbone.latency(), signal);
    for (;;) {
      if (signal?.aborted) throw aborted(address, signal);
      const endpoint = this.#backbone.endpoints.get(address.host);
      const reached = endpoint === undefined || this.#backbone.reaches(this.#member, endpoint.member);
      if (reached) return this.#open(address, endpoint);
      const left = deadline - this.#backbone.monotonic();
      if (left <= 0) throw refused(address, `no answer within ${limits.connectTimeout} ms`);
      await this.#wait(Math.min(left, 100), signal);
    }
  }

  async listen(
    address: Address,
    accept: (connection: Connection) => void,
    { onError, signal }: ListenOptions,
  ): Promise<Listener> {
    if (signal?.aborted) throw aborted(address, signal);
    const { endpoints } = this.#backbone;
    const name = address.host;
    if (name === '') throw new SpokeError('ADDRESS_INVALID', `${address.href}: needs a name, as in memory://broker`);
    if (endpoints.has(name)) {
      throw new SpokeError('ADDRESS_IN_USE', `memory://${name}: somebody listens there already`, { retryable: true });
    }
    const endpoint: SimEndpoint = { member: this.#member, accept, onError };
    endpoints.set(name, endpoint);
    await this.#wait(0, signal);
    if (signal?.aborted) {
      endpoints.delete(name);
      throw aborted(address, signal);
    }
    return {
      address: `memory://${name}`,
      async close() {
        if (endpoints.get(name) === endpoint) endpoints.delete(name);
      },
    };
  }

  #open(address: Address, endpoint: SimEndpoint | undefined): Connection {
    if (endpoint === undefined) throw refused(address, 'nobody listens there');
    const number = this.#backbone.nextNumber();
    const [client, server] = SimConnection.pair(this.#backbone, this.#member, endpoint.member, number);
    this.#backbone.opened([client, server]);
    handOver(server, endpoint.accept, endpoint.onError);
    return client;
  }

  async #wait(delay: number, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#backbone.after(delay, done);
      function done(): void {
        cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      }
      signal?.addEventListener('abort', done, { once: true });
    });
  }
}

function refused(address: Address, why: string): SpokeError {
  return new SpokeError('CONNECT_FAILED', `${address.href}: ${why}`, {
    retryable: true,
    details: { address: address.href },
  });
}

function aborted(address: Address, signal: AbortSignal): SpokeError {
  return new SpokeError('ABORTED', `${address.href}: aborted`, { cause: signal.reason });
}

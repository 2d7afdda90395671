// Room for connections: in all, on one endpoint, and from one address.

import type { Limits } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { hostOf } from './failed-logins.js';

/** One endpoint, or all of them. */
export class Places {
  #taken = 0;
  readonly #byHost = new Map<string, number>();
  readonly #limits: Limits;
  readonly #all: Places | undefined;

  /** @param all - the broker's, when this is of one endpoint. */
  constructor(limits: Limits, all?: Places) {
    this.#limits = limits;
    this.#all = all;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Takes a place, or says why there is none. */
  take(address: string): SpokeError | undefined {
    const host = hostOf(address);
    const error = this.#all?.objection(address, host) ?? this.objection(address, host);
    if (error !== undefined) return error;
    this.#all?.change(address, host, 1);
    this.change(address, host, 1);
    return undefined;
  }

  leave(address: string): void {
    const host = hostOf(address);
    this.#all?.change(address, host, -1);
    this.change(address, host, -1);
  }

  private objection(address: string, host: string): SpokeError | undefined {
    const { connections, connectionsPerAddress } = this.#limits;
    if (this.#taken >= connections) {
      return full(`${connections} connections are open (limits.connections)`, address, connections);
    }
    if ((this.#byHost.get(host) ?? 0) >= connectionsPerAddress) {
      const text = `${connectionsPerAddress} connections of its address are open (limits.connectionsPerAddress)`;
      return full(text, address, connectionsPerAddress);
    }
    return undefined;
  }

  private change(address: string, host: string, by: 1 | -1): void {
    this.#taken += by;
    // A Unix socket: each of its connections has a name of its own.
    if (host === address) return;
    const count = (this.#byHost.get(host) ?? 0) + by;
    if (count === 0) this.#byHost.delete(host);
    else this.#byHost.set(host, count);
  }
}

function full(why: string, address: string, limit: number): SpokeError {
  return new SpokeError('LIMIT_EXCEEDED', `connection refused: ${why}`, { details: { address, limit } });
}

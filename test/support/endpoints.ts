// Listeners and connections of one test of a transport, and the end of all of them.

import type { CloseReason, Connection, Limits, Transport } from '../../src/contracts/index.js';
import { SpokeError, withDefaults } from '../../src/contracts/index.js';
import { parseAddress } from '../../src/transports/index.js';
import { Collector } from './collector.js';
import { within } from './within.js';

export interface OpenEndpoint {
  /** With the real port. */
  readonly url: string;
  readonly accepted: Collector<Connection>;
  /** What `onError` was told. */
  readonly errors: Collector<SpokeError>;
  close(): Promise<void>;
}

export class Endpoints {
  readonly #ends: (() => unknown)[] = [];

  async listen(transport: Transport, url: string, limits: Partial<Limits> = {}): Promise<OpenEndpoint> {
    const accepted = new Collector<Connection>('accepted connections');
    const errors = new Collector<SpokeError>('errors of the listener');
    const onConnection = (connection: Connection) => {
      this.#ends.push(() => connection.abort(new SpokeError('CLOSED', 'the test is over')));
      accepted.add(connection);
    };
    const options = { limits: withDefaults(limits), onError: errors.add };
    const listener = await transport.listen(parseAddress(url), onConnection, options);
    this.#ends.push(() => listener.close());
    return { url: listener.address, accepted, errors, close: () => listener.close() };
  }

  async connect(transport: Transport, url: string, limits: Partial<Limits> = {}): Promise<Connection> {
    const connection = await transport.connect(parseAddress(url), { limits: withDefaults(limits) });
    this.#ends.push(() => connection.abort(new SpokeError('CLOSED', 'the test is over')));
    return connection;
  }

  /** For whatever else a test opens. */
  atEnd(end: () => unknown): void {
    this.#ends.push(end);
  }

  async close(): Promise<void> {
    for (const end of this.#ends.splice(0).toReversed()) await end();
  }
}

/** Starts a connection and collects what it brings. */
export class Receiver {
  readonly chunks = new Collector<Uint8Array>('chunks');
  readonly drains = new Collector<true>('drains');
  readonly #closed: Promise<CloseReason>;

  constructor(connection: Connection) {
    this.#closed = new Promise((resolve) => {
      connection.start({
        data: (chunk) => this.chunks.add(chunk.slice()),
        drain: () => this.drains.add(true),
        close: resolve,
      });
    });
  }

  async closed(): Promise<CloseReason> {
    return within(this.#closed, 'the connection ends');
  }

  /** The next bytes as text, however they are cut. */
  async text(length: number): Promise<string> {
    const chunks: Uint8Array[] = [];
    for (let bytes = 0; bytes < length;) {
      const chunk = await this.chunks.next();
      chunks.push(chunk);
      bytes += chunk.length;
    }
    return Buffer.concat(chunks).toString();
  }
}

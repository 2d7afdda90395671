// A broker, clients and raw connections on one network, and the end of all of them after the test.

import type { BrokerOptions } from '../../src/broker/index.js';
import { Broker } from '../../src/broker/index.js';
import { JsonCodec } from '../../src/codecs/index.js';
import type { Codec, SpokeError, Transport } from '../../src/contracts/index.js';
import type { ClientOptions } from '../../src/node/index.js';
import { Client } from '../../src/node/index.js';
import { MemoryTransport } from '../../src/transports/index.js';
import { Collector } from './collector.js';
import { RawConnection } from './raw-connection.js';
import { TapTransport } from './tap-transport.js';
import { VirtualClock } from './virtual-clock.js';
import { within } from './within.js';

export interface StageOptions {
  readonly transport: Transport;
  /** Where brokers listen; one that leaves the port open is asked for the real one. */
  readonly listen: string;
  /** Makes the codec that clients speak. Brokers speak JSON as well. */
  readonly codec: () => Codec;
  /** Default: the system's. */
  readonly clock?: VirtualClock;
}

/** A client, what it is connected by, and what it reported. */
export interface StagedClient {
  readonly client: Client;
  readonly tap: TapTransport;
  readonly errors: Collector<SpokeError>;
}

export class Stage {
  readonly transport: Transport;
  readonly #options: StageOptions;
  readonly #ends: (() => Promise<unknown>)[] = [];
  #url: string;

  constructor(options: StageOptions) {
    this.#options = options;
    this.transport = options.transport;
    this.#url = options.listen;
  }

  /** Where the latest broker is, or the next one will be. */
  get url(): string {
    return this.#url;
  }

  /** Starts a broker; a second one takes the address of the first, which must have been closed. */
  async broker(options: BrokerOptions = {}): Promise<Broker> {
    const { clock } = this.#options;
    const codecs = [this.#options.codec()];
    if (codecs[0]?.name !== 'json') codecs.push(new JsonCodec());
    const broker = new Broker({
      listen: this.#url,
      transports: [this.transport],
      codecs,
      ...(clock !== undefined && { clock }),
      ...options,
    });
    this.#ends.push(async () => broker.close());
    await broker.open();
    this.#url = broker.addresses[0] ?? this.#url;
    return broker;
  }

  /** Makes a client that is not connected yet. It is quick to connect again, and has no heartbeat. */
  prepare(options: ClientOptions = {}): StagedClient {
    const { clock, codec } = this.#options;
    const tap = new TapTransport(this.transport);
    const client = new Client({
      url: this.#url,
      transports: [tap],
      codec: codec(),
      reconnect: { minDelay: 10, maxDelay: 50 },
      heartbeat: false,
      ...(clock !== undefined && { clock }),
      ...options,
    });
    const errors = new Collector<SpokeError>('errors');
    client.on('error', errors.add);
    this.#ends.push(async () => client.close());
    return { client, tap, errors };
  }

  /** A connected client with all that belongs to it. */
  async join(options: ClientOptions = {}): Promise<StagedClient> {
    const staged = this.prepare(options);
    await within(staged.client.connect(), 'the connection of a client');
    return staged;
  }

  /** A connected client. */
  async client(options: ClientOptions = {}): Promise<Client> {
    return (await this.join(options)).client;
  }

  /** A connection without a client. */
  async raw(): Promise<RawConnection> {
    const raw = await RawConnection.open(this.transport, this.#url);
    this.#ends.push(async () => raw.close());
    return raw;
  }

  /** Has something of the test's own ended with the rest. */
  later(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  /** Ends everything, the latest first. With a virtual clock, nothing may be waiting for time to pass then. */
  async close(): Promise<void> {
    const { clock } = this.#options;
    for (const end of this.#ends.reverse()) {
      const ending = end();
      if (clock !== undefined) {
        await clock.idle();
        await clock.advance(20_000);
      }
      await within(ending, 'the end of a broker, client or connection');
    }
    this.#ends.length = 0;
    await clock?.idle();
    if (clock !== undefined && clock.timers > 0) throw new Error(`${clock.timers} timers were left behind`);
  }
}

/** A stage inside the process, with a clock that stands still. */
export function memoryStage(options: Partial<StageOptions> = {}): { stage: Stage; clock: VirtualClock } {
  const clock = options.clock ?? new VirtualClock();
  const stage = new Stage({
    transport: new MemoryTransport({ clock, scribble: true }),
    listen: 'memory://broker',
    codec: () => new JsonCodec(),
    ...options,
    clock,
  });
  return { stage, clock };
}

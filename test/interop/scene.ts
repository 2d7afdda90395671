// Brokers and programs of both kinds on loopback TCP, and the end of all of them after the test.

import type { BrokerOptions, ClientOptions, SpokeError } from 'spoke';
import { Broker, Client } from 'spoke';
import { IndependentClient, IndependentServer, RawPeer } from '../support/independent-peer/index.js';

export class Scene {
  readonly #ends: (() => Promise<unknown>)[] = [];

  /** Our broker. */
  async broker(options: BrokerOptions = {}): Promise<{ broker: Broker; port: number; url: string }> {
    const broker = await Broker.start({ listen: 'tcp://127.0.0.1:0', ...options });
    this.#ends.push(() => broker.close());
    const url = broker.addresses[0] ?? '';
    return { broker, url, port: Number(new URL(url).port) };
  }

  /** A peers' broker. */
  async foreignServer(port = 0): Promise<IndependentServer> {
    const server = await IndependentServer.start(port);
    this.#ends.push(() => server.close());
    return server;
  }

  /** A client of ours, quick to connect again, and what it reported. */
  async client(url: string, options: ClientOptions = {}): Promise<{ client: Client; errors: SpokeError[] }> {
    const client = new Client({ url, reconnect: { minDelay: 5, maxDelay: 50 }, ...options });
    const errors: SpokeError[] = [];
    client.on('error', (error) => errors.push(error));
    this.#ends.push(() => client.close());
    await client.connect({ timeout: 5000 });
    return { client, errors };
  }

  /** A client of the peers. */
  async peer(port: number): Promise<IndependentClient> {
    const peer = await IndependentClient.connect(port);
    this.#ends.push(() => peer.close());
    return peer;
  }

  /** A connection without a client. */
  async raw(port: number): Promise<RawPeer> {
    const raw = await RawPeer.tcp(port);
    this.#ends.push(() => raw.end());
    return raw;
  }

  /** Ends everything, the latest first. */
  async close(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }
}

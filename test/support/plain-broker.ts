// A broker of the existing network for the memory network: the protocol page without an extension, in the shortest way.
// It knows no ids, no features and no errors, decodes and encodes every message again, and forgets all when it closes.

import type { Clock, Connection, Listener, Transport } from '../../src/contracts/index.js';
import { withDefaults } from '../../src/contracts/index.js';
import { parseAddress } from '../../src/transports/index.js';
import { canonical, matches } from './independent-peer/index.js';

interface Message {
  head: Record<string, unknown>;
  readonly body: unknown;
}

interface Client {
  readonly connection: Connection;
  readonly patterns: Set<string>;
  rest: Buffer;
}

export class PlainBroker {
  /** By channel: what would be replayed. */
  readonly kept = new Map<string, Message>();
  /** Channels of all that arrived. */
  readonly received: string[] = [];
  readonly #clients = new Set<Client>();
  readonly #clock: Clock;
  readonly #listeners: Listener[] = [];
  #time = 0;

  private constructor(clock: Clock) {
    this.#clock = clock;
  }

  static async start(transport: Transport, url: string, clock: Clock): Promise<PlainBroker> {
    const broker = new PlainBroker(clock);
    await broker.listen(transport, url);
    return broker;
  }

  /** On one more address. */
  async listen(transport: Transport, url: string): Promise<void> {
    const accept = (connection: Connection) => this.#accept(connection);
    this.#listeners.push(await transport.listen(parseAddress(url), accept, { limits: withDefaults() }));
  }

  async close(): Promise<void> {
    for (const listener of this.#listeners) await listener.close();
    for (const { connection } of this.#clients) connection.close();
  }

  #accept(connection: Connection): void {
    const client: Client = { connection, patterns: new Set(), rest: Buffer.alloc(0) };
    this.#clients.add(client);
    connection.start({
      data: (chunk) => this.#data(client, chunk),
      drain() {},
      close: () => void this.#clients.delete(client),
    });
  }

  #data(client: Client, chunk: Uint8Array): void {
    let rest = Buffer.concat([client.rest, chunk]);
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      const message: Message = JSON.parse(rest.subarray(0, end).toString());
      this.#message(client, message);
      rest = rest.subarray(end + 1);
    }
    client.rest = rest;
  }

  #message(from: Client, { head, body }: Message): void {
    const channel = canonical(String(head['channel']));
    this.received.push(channel);
    const { bounce = true, time = this.#now(), ...others } = head;
    const message: Message = { head: { ...others, channel, time }, body };
    if (typeof body === 'string') this.#control(from, channel, canonical(body));
    if (others['persist'] === true) {
      const before = this.kept.get(channel);
      if (before !== undefined && Number(time) <= Number(before.head['time'])) return;
      this.kept.set(channel, message);
    }
    for (const client of this.#clients) {
      if (client === from && bounce === false) continue;
      if ([...client.patterns].some((pattern) => matches(pattern, channel))) send(client, message);
    }
  }

  #control(from: Client, channel: string, pattern: string): void {
    if (channel === '-control/unsubscribe') from.patterns.delete(pattern);
    if (channel !== '-control/subscribe') return;
    from.patterns.add(pattern);
    for (const [kept, message] of this.kept) if (matches(pattern, kept)) send(from, message);
  }

  // The peers' clock counts microseconds, and two messages never share one.
  #now(): number {
    return (this.#time = Math.max(this.#clock.now() / 1000, this.#time + 1e-6));
  }
}

function send({ connection }: Client, message: Message): void {
  connection.send(Buffer.from(`${JSON.stringify(message)}\0`));
}

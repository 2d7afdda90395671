// Brokers, bridges and clients in a network that misbehaves by chance, in virtual time. A seed decides everything.

import type { Bridge, Client, Message } from 'spoke';
import { Broker, matches, MemoryStore } from 'spoke';
import type { MemoryNetwork } from 'spoke/testing';
import { memoryNetwork } from 'spoke/testing';
import { PlainBroker } from '../../../support/plain-broker.js';
import { seededRandom } from '../../../../src/testing/network/random.js';
import type { Topology } from './topologies.js';
import { topologyFor } from './topologies.js';

const PATTERNS = ['**', 'live/**', 'live/*/a', 'live/0/*', 'live/1/b', '*/*/b', 'kept/**', 'kept/a'];
const KEPT = ['kept/a', 'kept/b', 'kept/c/d'];

/** One live message: who published it, and its number there. */
interface Said {
  readonly by: string;
  readonly n: number;
}

interface Published extends Said {
  readonly channel: string;
}

/** A subscriber, and what it heard, apart by the lives of its broker. */
class Listener {
  readonly pattern: string;
  readonly broker: number;
  readonly heard: Said[] = [];
  /** What it believes to be kept. */
  readonly kept = new Map<string, readonly [time: number, body: unknown]>();
  life = 0;
  readonly seen = new Set<string>();
  readonly problems: string[] = [];

  constructor(broker: number, pattern: string) {
    this.broker = broker;
    this.pattern = pattern;
  }

  readonly hear = ({ channel, body, time = 0 }: Message): void => {
    if (channel.startsWith('kept/')) this.kept.set(channel, [time, body]);
    if (!channel.startsWith('live/')) return;
    const said = body as Said;
    const key = `${this.life} ${said.by} ${said.n}`;
    if (this.seen.has(key)) this.problems.push(`${this.name} heard ${said.by}/${said.n} twice`);
    this.seen.add(key);
    this.heard.push(said);
  };

  readonly cleared = (channel: string, time: number): void => {
    const [kept = Infinity] = this.kept.get(channel) ?? [];
    if (kept <= time) this.kept.delete(channel);
  };

  get name(): string {
    return `${this.pattern} at broker ${this.broker}`;
  }
}

export class World {
  readonly seed: number;
  readonly topology: Topology;
  readonly net: MemoryNetwork;
  /** What was seen that must not be. */
  readonly problems: string[] = [];
  readonly random: () => number;
  readonly #stores: (MemoryStore | PlainBroker)[] = [];
  readonly #brokers: (Broker | PlainBroker | undefined)[] = [];
  readonly #bridges: (Bridge | undefined)[] = [];
  readonly #publishers: Client[] = [];
  readonly #listeners: Listener[] = [];
  readonly #counts = new Map<string, number>();
  /** What is on the disks of brokers that were killed. */
  readonly #left = new Map<number, MemoryStore>();
  #kept = 0;

  constructor(seed: number) {
    this.seed = seed;
    this.random = seededRandom(seed);
    this.topology = topologyFor(this.random);
    const slowest = [0, 5, 40, 300][Math.floor(this.random() * 4)] ?? 0;
    this.net = memoryNetwork({ seed, latency: [0, slowest] });
  }

  /** Everything is there, and settled. */
  async start(): Promise<void> {
    const { brokers, bridges } = this.topology;
    for (let n = 0; n < brokers; n++) await this.#startBroker(n);
    for (let n = 0; n < brokers; n++) {
      const publisher = await this.net.client({ to: `broker-${n}`, name: `publisher-${n}` });
      this.#publishers.push(publisher);
      for (let i = 0; i < 2; i++) {
        const listener = new Listener(n, this.#pick(PATTERNS));
        const client = await this.net.client({ to: `broker-${n}`, name: `listener-${n}-${i}` });
        const { cleared } = listener;
        await this.net.until(client.subscribe(listener.pattern, listener.hear, { cleared }));
        // It is told again of all that is kept then.
        client.on('state', (state) => {
          if (state === 'reconnecting') listener.kept.clear();
        });
        this.#listeners.push(listener);
      }
    }
    // In no particular order, and some before others have settled.
    for (const n of this.#shuffled(bridges.keys())) this.#startBridge(n);
    await this.settle();
  }

  /** Waits until every bridge is connected and all that was on its way has come. */
  async settle(): Promise<void> {
    for (const bridge of this.#bridges) if (bridge !== undefined) await this.net.until(bridge.start());
    await this.net.advance('20 s');
    for (const [n, bridge] of this.#bridges.entries()) {
      if (bridge?.state !== 'connected') this.problems.push(`bridge ${n} is ${bridge?.state}`);
    }
  }

  /** Everybody publishes while nothing goes wrong: every listener must hear all of it, once and in order. */
  async calm(messages: number): Promise<void> {
    for (const listener of this.#listeners) listener.heard.length = 0;
    const published: Published[] = [];
    for (let i = 0; i < messages; i++) {
      const said = this.#publishLive();
      if (said !== undefined) published.push(said);
      if (this.random() < 0.3) await this.#publishKept();
      if (this.random() < 0.3) await this.net.advance(Math.floor(this.random() * 50));
    }
    await this.net.advance('10 s');
    for (const listener of this.#listeners) this.#check(listener, published);
  }

  /** Everybody publishes while everything goes wrong that can. */
  async storm(steps: number): Promise<void> {
    for (let i = 0; i < steps; i++) {
      const publications = Math.floor(this.random() * 4);
      for (let p = 0; p < publications; p++) {
        this.#publishLive();
        if (this.random() < 0.5) await this.#publishKept();
      }
      await this.#misfortune();
      await this.net.advance(Math.floor(this.random() ** 3 * 20_000));
    }
    this.net.heal();
    for (const [n, broker] of this.#brokers.entries()) if (broker === undefined) await this.#startBroker(n);
    for (const [n, bridge] of this.#bridges.entries()) if (bridge === undefined) this.#startBridge(n);
    // Clients and bridges come back by themselves; that a broker of the peers is gone is noticed last.
    await this.net.advance('3 min');
    await this.settle();
  }

  /** What is kept is the same everywhere, and every listener has heard it. */
  checkKept(): void {
    const [first, ...others] = this.#stores.map((store) => this.#contents(store));
    for (const [n, other] of others.entries()) {
      if (JSON.stringify(other) !== JSON.stringify(first)) {
        this.problems.push(`kept by broker 0: ${JSON.stringify(first)}; by broker ${n + 1}: ${JSON.stringify(other)}`);
      }
    }
    for (const listener of this.#listeners) {
      for (const channel of KEPT.filter((one) => matches(listener.pattern, one))) {
        const [is, heard] = [first?.[channel]?.[1], listener.kept.get(channel)?.[1]];
        if (is !== heard) {
          this.problems.push(`${listener.name}: ${channel} is ${String(is)}, heard ${String(heard)}`);
        }
      }
    }
  }

  /** A provider anywhere serves callers everywhere. */
  async checkCalls(): Promise<void> {
    const provider = this.#pick(this.#publishers);
    const service = await this.net.until(provider.provide('test/double', (x: number) => 2 * x));
    await this.net.advance('2 s');
    for (const [n, caller] of this.#publishers.entries()) {
      const result = await this.net.until(caller.call('test/double', n, { timeout: 20_000 }).catch(String));
      if (result !== 2 * n) this.problems.push(`a call from broker ${n}: ${String(result)}`);
    }
    await this.net.until(service.close());
  }

  /** Nothing is on its way any more, however long one waits. */
  async checkQuiet(): Promise<void> {
    await this.net.advance('5 s');
    const before = this.#traffic();
    await this.net.advance('60 s');
    const after = this.#traffic();
    if (before !== after) this.problems.push(`bridges passed on ${after - before} messages that nobody published`);
  }

  async close(): Promise<void> {
    for (const listener of this.#listeners) this.problems.push(...listener.problems);
    await this.net.close();
    for (const broker of this.#brokers) if (broker instanceof PlainBroker) await broker.close();
  }

  async #startBroker(n: number): Promise<void> {
    const name = `broker-${n}`;
    const left = this.#left.get(n);
    this.#left.delete(n);
    if (this.topology.foreign.includes(n)) {
      const broker = await PlainBroker.start(this.net.transport(name), `memory://${name}`, this.net.clock);
      this.#stores[n] = this.#brokers[n] = broker;
    } else {
      const store = left ?? new MemoryStore();
      this.#stores[n] = store;
      this.#brokers[n] = await this.net.broker({ name, store });
    }
    for (const listener of this.#listeners) if (listener.broker === n) listener.life++;
  }

  #startBridge(n: number): void {
    const [one, two] = this.topology.bridges[n] ?? [0, 0];
    const codecs = ['json', 'msgpack'] as const;
    const bridge = this.net.prepareBridge(`broker-${one}`, `broker-${two}`, {
      name: `bridge-${n}`,
      codec1: this.topology.foreign.includes(one) ? 'json' : this.#pick(codecs),
      codec2: this.topology.foreign.includes(two) ? 'json' : this.#pick(codecs),
    });
    bridge.on('error', (error) => this.problems.push(`bridge ${n}: ${error.message}`));
    bridge.start().catch(() => {});
    this.#bridges[n] = bridge;
  }

  async #misfortune(): Promise<void> {
    const { net } = this;
    const broker = Math.floor(this.random() * this.#brokers.length);
    const bridge = Math.floor(this.random() * this.#bridges.length);
    const end = (this.topology.bridges[bridge] ?? [0])[Math.floor(this.random() * 2)] ?? 0;
    switch (Math.floor(this.random() * 8)) {
      case 0:
        net.heal();
        break;
      case 1:
        net.partition([`bridge-${bridge}`], [`broker-${end}`]);
        break;
      case 2:
        net.cut(`bridge-${bridge}`, `broker-${end}`);
        break;
      case 3: {
        const victim = this.#bridges[bridge];
        this.#bridges[bridge] = undefined;
        if (victim !== undefined) await net.crash(victim);
        else this.#startBridge(bridge);
        break;
      }
      case 4: {
        const victim = this.#brokers[broker];
        this.#brokers[broker] = undefined;
        if (victim instanceof Broker && this.random() < 0.7) this.#left.set(broker, copyOf(this.#stores[broker]));
        if (victim instanceof Broker) await net.crash(victim);
        else if (victim !== undefined) await net.until(victim.close());
        else await this.#startBroker(broker);
        break;
      }
      case 5:
        net.stall(`bridge-${bridge}`);
        break;
      default:
        // Nothing.
        break;
    }
  }

  #publishLive(): Published | undefined {
    const broker = Math.floor(this.random() * this.#publishers.length);
    const by = `publisher-${broker}`;
    const channel = `live/${broker % 3}/${this.#pick(['a', 'b', 'c'])}`;
    const n = (this.#counts.get(by) ?? 0) + 1;
    this.#counts.set(by, n);
    this.#publishers[broker]?.publish(channel, { by, n }).catch(() => {});
    return { by, n, channel };
  }

  async #publishKept(): Promise<void> {
    // Of two values with one time the peers keep what they had first.
    if (this.topology.foreign.length > 0) await this.net.advance(1);
    const publisher = this.#pick(this.#publishers);
    // The peers cannot clear.
    if (this.topology.foreign.length === 0 && this.random() < 0.25)
      publisher.kept.clear(this.#pick(KEPT)).catch(() => {});
    else {
      // They cannot forget either. It is over before anything is checked.
      const mortal = this.topology.foreign.length === 0 && this.random() < 0.25;
      const options = { persist: true, ...(mortal && { ttl: 1 + Math.floor(this.random() * 5000) }) };
      publisher.publish(this.#pick(KEPT), `value ${++this.#kept}`, options).catch(() => {});
    }
  }

  #check(listener: Listener, published: readonly Published[]): void {
    for (const by of new Set(published.map((one) => one.by))) {
      const expected = published.filter((one) => one.by === by && matches(listener.pattern, one.channel));
      const heard = listener.heard.filter((one) => one.by === by);
      const wanted = expected.map(({ n }) => n).join(' ');
      const got = heard.map(({ n }) => n).join(' ');
      if (wanted !== got) this.problems.push(`${listener.name}, of ${by}: expected ${wanted}; heard ${got}`);
    }
  }

  #contents(store: MemoryStore | PlainBroker): Record<string, readonly [time: number, body: unknown]> {
    if (store instanceof PlainBroker) {
      const kept = [...store.kept].map(([channel, { head, body }]) => [channel, [Number(head['time']), body]] as const);
      return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
    }
    const entries = store.match('**').map(({ channel, time, frame }) => {
      // In whatever codec.
      const [body] = /value \d+/.exec(Buffer.from(frame).toString('latin1')) ?? [];
      return [channel, [time, body]] as const;
    });
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #traffic(): number {
    let sum = 0;
    for (const bridge of this.#bridges) {
      if (bridge !== undefined) sum += bridge.status.side1.forwarded + bridge.status.side2.forwarded;
    }
    return sum;
  }

  #pick<T>(all: readonly T[]): T {
    const one = all[Math.floor(this.random() * all.length)];
    if (one === undefined) throw new TypeError('there is nothing to choose from');
    return one;
  }

  #shuffled(keys: Iterable<number>): number[] {
    return [...keys]
      .map((key) => [this.random(), key] as const)
      .sort(([a], [b]) => a - b)
      .map(([, key]) => key);
  }
}

/** What a store that lasts would have after a crash. */
function copyOf(store: MemoryStore | PlainBroker | undefined): MemoryStore {
  const copy = new MemoryStore();
  if (!(store instanceof MemoryStore)) return copy;
  for (const message of store.match('**')) copy.put(message);
  for (const [key, value] of store.notes()) copy.note(key, value);
  return copy;
}

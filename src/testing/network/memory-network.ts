// A network inside one process that a test holds in its hand: virtual time, and trouble on command.

import type { MemoryBackplane } from '../../backplanes/index.js';
import { MemoryEngine } from '../../backplanes/index.js';
import type { BridgeOptions } from '../../bridge/index.js';
import { Bridge } from '../../bridge/index.js';
import type { BrokerOptions } from '../../broker/index.js';
import { Broker } from '../../broker/index.js';
import type { Transport } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import type { ClientOptions } from '../../node/index.js';
import { Client } from '../../node/index.js';
import type { Duration } from './duration.js';
import { milliseconds } from './duration.js';
import { seededRandom } from './random.js';
import type { SimConnection } from './sim-connection.js';
import type { SimBackbone, SimEndpoint } from './sim-transport.js';
import { SimTransport } from './sim-transport.js';
import { VirtualClock } from './virtual-clock.js';

export interface MemoryNetworkOptions {
  /** Decides everything that is left to chance: where streams are cut, latencies, back-off. Default 1. */
  readonly seed?: number;
  /** How long bytes take, or between which two durations. Default 0. */
  readonly latency?: Duration | readonly [Duration, Duration];
  /** Milliseconds since the epoch when it begins. Default 1,700,000,000,000 (in November 2023). */
  readonly startTime?: number;
}

/** A broker, client or bridge of the network, or the name of one. */
export type Member = Broker | Client | Bridge | string;

export interface MemberBrokerOptions extends BrokerOptions {
  readonly name?: string;
  /** Whether it is joined to others by `network.engine`. Default: no. */
  readonly cluster?: boolean;
}

/** Virtual time that `until` lets pass at the most. */
const PATIENCE = 10 * 60_000;

/**
 * Brokers, clients and bridges joined by simulated byte streams. Nothing waits for real time: with no latency, messages
 * travel while the test awaits anything; what takes time happens when the test says so, by `advance` or `until`.
 */
export class MemoryNetwork implements AsyncDisposable {
  /** The time of all members. Pass it to what else the test makes. */
  readonly clock: VirtualClock;
  /** Print it when a test fails: the same seed gives the same run. */
  readonly seed: number;
  readonly #random: () => number;
  readonly #backbone: SimBackbone;
  readonly #endpoints = new Map<string, SimEndpoint>();
  readonly #connections = new Set<SimConnection>();
  readonly #names = new Map<Broker | Client | Bridge, string>();
  readonly #splits: (readonly [ReadonlySet<string>, ReadonlySet<string>])[] = [];
  readonly #stalled = new Set<string>();
  readonly #planes = new Map<string, MemoryBackplane>();
  #latency: readonly [number, number];
  #made = 0;
  #engine: MemoryEngine | undefined;

  constructor(options: MemoryNetworkOptions = {}) {
    this.seed = options.seed ?? 1;
    this.clock = new VirtualClock(options.startTime);
    this.#random = seededRandom(this.seed);
    this.#latency = range(options.latency ?? 0);
    this.#backbone = this.#makeBackbone();
  }

  /** What joins brokers that are started with `cluster: true`: stop it, start it, cut brokers off from it. */
  get engine(): MemoryEngine {
    const latency = () => this.#latency[0] + (this.#latency[1] - this.#latency[0]) * this.#random();
    return (this.#engine ??= new MemoryEngine({ clock: this.clock, latency }));
  }

  /** Starts a broker at `memory://name`. Default name: `broker-1` and so on. */
  async broker(options: MemberBrokerOptions = {}): Promise<Broker> {
    const { name = this.#nextName('broker'), cluster = false, ...rest } = options;
    const transports = [this.transport(name)];
    const broker = new Broker({
      listen: `memory://${name}`,
      transports,
      clock: this.clock,
      random: this.#random,
      ...(cluster && { backplane: this.#plane(name) }),
      ...rest,
    });
    this.#names.set(broker, name);
    await this.until(broker.open());
    return broker;
  }

  /**
   * Makes a client and connects it.
   * @param options - `to` is a broker or its name; default: the first broker of the network.
   */
  async client(options: ClientOptions & { readonly name?: string; readonly to?: Member } = {}): Promise<Client> {
    const client = this.prepare(options);
    await this.until(client.connect());
    return client;
  }

  /** A client that is not connected yet. */
  prepare(options: ClientOptions & { readonly name?: string; readonly to?: Member } = {}): Client {
    const { name = this.#nextName('client'), to, ...rest } = options;
    const url = `memory://${to === undefined ? this.#firstBroker() : this.#nameOf(to)}`;
    const reconnect = { random: this.#random };
    const client = new Client({ url, transports: [this.transport(name)], clock: this.clock, reconnect, ...rest });
    this.#names.set(client, name);
    return client;
  }

  /** Joins two brokers, and resolves when they are one network. */
  async bridge(
    one: Member,
    two: Member,
    options: Partial<BridgeOptions> & { readonly name?: string } = {},
  ): Promise<Bridge> {
    const bridge = this.prepareBridge(one, two, options);
    await this.until(bridge.start());
    return bridge;
  }

  /** A bridge that was not started yet. */
  prepareBridge(one: Member, two: Member, options: Partial<BridgeOptions> & { readonly name?: string } = {}): Bridge {
    const { name = this.#nextName('bridge'), ...rest } = options;
    const bridge = new Bridge({
      url1: `memory://${this.#nameOf(one)}`,
      url2: `memory://${this.#nameOf(two)}`,
      transports: [this.transport(name)],
      clock: this.clock,
      reconnect: { random: this.#random },
      ...rest,
    });
    this.#names.set(bridge, name);
    return bridge;
  }

  /** The transport of a member of the test's own: for clients that the application makes. */
  transport(name: string): Transport {
    return new SimTransport(name, this.#backbone);
  }

  /** Nothing passes between the two groups, without anybody being told, until `heal`. */
  partition(some: readonly Member[], others: readonly Member[]): void {
    this.#splits.push([this.#namesOf(some), this.#namesOf(others)]);
  }

  /** Ends all partitions and stalls; what was held up arrives. */
  heal(): void {
    this.#splits.length = 0;
    this.#stalled.clear();
    this.#wake();
  }

  /** The programs of a member stop reading, as one that hangs; the others run into back-pressure. */
  stall(member: Member): void {
    this.#stalled.add(this.#nameOf(member));
  }

  /** Changes how long bytes take from now on. */
  latency(latency: Duration | readonly [Duration, Duration]): void {
    this.#latency = range(latency);
  }

  /** All connections between two members are lost, and both notice. */
  cut(member: Member, other: Member): void {
    const names = [this.#nameOf(member), this.#nameOf(other)];
    for (const end of [...this.#connections]) {
      if (names.includes(end.member) && names.includes(end.otherMember)) end.lose(lost(end.otherMember));
    }
  }

  /**
   * A broker or bridge is killed: its connections are reset, its address is free, and what it had in memory is gone. Start
   * another one by `broker({ name })` or `bridge`.
   */
  async crash(member: Broker | Bridge): Promise<void> {
    const name = this.#nameOf(member);
    this.#planes.get(name)?.crash();
    for (const [address, endpoint] of this.#endpoints) if (endpoint.member === name) this.#endpoints.delete(address);
    for (const end of [...this.#connections]) {
      if (end.member === name || end.otherMember === name) end.lose(lost(end.otherMember));
    }
    await this.until(member.close());
    this.#names.delete(member);
  }

  /** Lets time pass, event by event. */
  async advance(duration: Duration): Promise<void> {
    await this.clock.advance(milliseconds(duration));
  }

  /** Resolves when everything has happened that happens without time passing. */
  async idle(): Promise<void> {
    await this.clock.idle();
  }

  /**
   * Lets just as much time pass as the promise needs, and gives what it gives.
   * @throws {SpokeError} `TIMEOUT` when ten minutes of virtual time were not enough.
   */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    // Whatever it rejects with is thrown by the last line.
    void promise.catch(() => {}).finally(() => (settled = true));
    const end = this.clock.monotonic() + PATIENCE;
    await this.clock.idle();
    while (!settled) {
      const next = this.clock.nextTimer;
      if (next === undefined || this.clock.monotonic() + next > end) {
        const why = next === undefined ? 'nothing more will happen' : 'ten minutes of virtual time have passed';
        throw new SpokeError('TIMEOUT', `${why}, and it has not come about (network seed ${this.seed})`);
      }
      await this.clock.advance(next);
    }
    return promise;
  }

  /** Closes all members, in order. */
  async close(): Promise<void> {
    this.heal();
    const members = [...this.#names.keys()].reverse();
    this.#names.clear();
    for (const member of members) await this.until(member.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #makeBackbone(): SimBackbone {
    return {
      endpoints: this.#endpoints,
      reaches: (from, to) => this.#splits.every((split) => !divides(split, from, to)),
      reads: (member) => !this.#stalled.has(member),
      latency: () => this.#latency[0] + (this.#latency[1] - this.#latency[0]) * this.#random(),
      cut: (chunk) => this.#cutChunk(chunk),
      monotonic: () => this.clock.monotonic(),
      after: (delay, callback) => this.#after(delay, callback),
      opened: (ends) => ends.forEach((end) => this.#connections.add(end)),
      ended: (end) => void this.#connections.delete(end),
      nextNumber: () => ++this.#made,
    };
  }

  #after(delay: number, callback: () => void): () => void {
    if (delay > 0) return this.clock.setTimer(delay, callback);
    let cancelled = false;
    this.clock.defer(() => {
      if (!cancelled) callback();
    });
    return () => {
      cancelled = true;
    };
  }

  // A stream may be cut anywhere, and tests should not get used to whole messages.
  #cutChunk(chunk: Uint8Array): readonly Uint8Array[] {
    if (chunk.length < 2 || this.#random() < 0.5) return [chunk];
    const at = 1 + Math.floor(this.#random() * (chunk.length - 1));
    return [chunk.subarray(0, at), chunk.subarray(at)];
  }

  #wake(): void {
    for (const end of this.#connections) end.wake();
  }

  #plane(name: string): MemoryBackplane {
    const plane = this.engine.backplane(name);
    this.#planes.set(name, plane);
    return plane;
  }

  #nextName(kind: string): string {
    const taken = new Set(this.#names.values());
    let number = 1;
    while (taken.has(`${kind}-${number}`)) number++;
    return `${kind}-${number}`;
  }

  #firstBroker(): string {
    for (const [member, name] of this.#names) if (member instanceof Broker) return name;
    throw new TypeError('this network has no broker yet: await net.broker() first, or name one with `to`');
  }

  #nameOf(member: Member): string {
    const name = typeof member === 'string' ? member : this.#names.get(member);
    if (name === undefined) throw new TypeError('this broker or client is not, or no longer, a member of this network');
    return name;
  }

  #namesOf(members: readonly Member[]): ReadonlySet<string> {
    return new Set(members.map((member) => this.#nameOf(member)));
  }
}

/** A network for one test: see `docs/testing.md`. */
export function memoryNetwork(options: MemoryNetworkOptions = {}): MemoryNetwork {
  return new MemoryNetwork(options);
}

function range(latency: Duration | readonly [Duration, Duration]): readonly [number, number] {
  if (typeof latency === 'number' || typeof latency === 'string') return [milliseconds(latency), milliseconds(latency)];
  return [milliseconds(latency[0]), milliseconds(latency[1])];
}

function divides([some, others]: readonly [ReadonlySet<string>, ReadonlySet<string>], a: string, b: string): boolean {
  return (some.has(a) && others.has(b)) || (some.has(b) && others.has(a));
}

function lost(peer: string): SpokeError {
  return new SpokeError('CONNECTION_LOST', `the connection to ${peer} was lost`, { retryable: true });
}

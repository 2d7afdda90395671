// Two brokers with stores and a bridge between them; the bridge and the far broker are ended and begun again.

import { join } from 'node:path';
import type { BrokerOptions, ClientOptions } from '../../src/index.js';
import { Bridge, Broker, Client } from '../../src/index.js';
import type { Findings } from './findings.js';
import { settled } from './settled.js';

const RECONNECT = { minDelay: 20, maxDelay: 500 };

/** What a broker holds for its clients. */
export interface Resources {
  readonly connections: number;
  readonly subscriptions: number;
  readonly kept: number;
}

export class World implements AsyncDisposable {
  bridgeRestarts = 0;
  brokerRestarts = 0;
  /** Counts up when the way between the brokers is broken, and when it is whole again: odd while it is broken. */
  epoch = 0;
  readonly #folder: string;
  readonly #findings: Findings;
  readonly #clients = new Set<Client>();
  readonly #listeners: (() => void)[] = [];
  #near: Broker | undefined;
  #far: Broker | undefined;
  #bridge: Bridge | undefined;

  private constructor(folder: string, findings: Findings) {
    this.#folder = folder;
    this.#findings = findings;
  }

  static async open(folder: string, findings: Findings): Promise<World> {
    const world = new World(folder, findings);
    const socket = join(folder, 'near.sock');
    const near = ['tcp://127.0.0.1:0', 'ws://127.0.0.1:0', `unix://${socket}`];
    world.#near = await world.#open('near', near);
    world.#far = await world.#open('far', ['tcp://127.0.0.1:0']);
    await world.#join();
    return world;
  }

  /** Calls back each time when the way between the brokers is whole again, for every client that stays. */
  onWhole(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** TCP, WebSocket and a Unix socket. */
  get near(): readonly string[] {
    return this.#near?.addresses ?? [];
  }

  get far(): readonly string[] {
    return this.#far?.addresses ?? [];
  }

  get resources(): Resources {
    const stats = [this.#near?.stats, this.#far?.stats];
    const sum = (of: (stats: Broker['stats']) => number) =>
      stats.reduce((total, one) => total + (one === undefined ? 0 : of(one)), 0);
    return {
      connections: sum(({ connections }) => connections),
      subscriptions: sum(({ subscriptions }) => subscriptions),
      kept: sum(({ kept }) => kept.messages),
    };
  }

  /** A client that stays until the end; an error that it reports is a finding. */
  async client(name: string, url: string | undefined, options: ClientOptions = {}): Promise<Client> {
    const client = await this.visitor(url, options);
    client.on('error', ({ code, message }) => this.#findings.add(`${name} was told ${code}: ${message}`));
    this.#clients.add(client);
    return client;
  }

  /** A client that whoever asked for it ends. */
  async visitor(url: string | undefined, options: ClientOptions = {}): Promise<Client> {
    return Client.connect({ url: url ?? '', reconnect: RECONNECT, timeout: 20_000, ...options });
  }

  /** Ends the bridge, and begins a new one. */
  async restartBridge(): Promise<void> {
    this.epoch++;
    await this.#bridge?.close();
    await this.#join();
    this.bridgeRestarts++;
    await this.#mended();
  }

  /** Ends the far broker in good order, and begins it again with the same store and address. */
  async restartFar(): Promise<void> {
    this.epoch++;
    const listen = this.far;
    await this.#far?.close();
    this.#far = await this.#open('far', listen);
    this.brokerRestarts++;
    await this.#mended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.close()));
    await this.#bridge?.close();
    await this.#far?.close();
    await this.#near?.close();
  }

  async #open(name: string, listen: readonly string[]): Promise<Broker> {
    const ignore = () => {};
    const options: BrokerOptions = {
      listen,
      store: `lmdb:${join(this.#folder, name)}`,
      logger: {
        debug: ignore,
        info: ignore,
        warn: ignore,
        error: (_fields, text) => this.#findings.add(`the ${name} broker logged: ${text}`),
      },
    };
    return Broker.start(options);
  }

  async #join(): Promise<void> {
    this.#bridge = new Bridge({ url1: this.near[0] ?? '', url2: this.far[0] ?? '', reconnect: RECONNECT });
    this.#bridge.on('error', ({ code, message }) => this.#findings.add(`the bridge reported ${code}: ${message}`));
    await this.#bridge.start({ timeout: 30_000 });
  }

  /** Resolves when all are connected, and what is wanted on either side now is known on the other. */
  async whole(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.flush({ timeout: 30_000 })));
    await using near = await this.visitor(this.near[0]);
    await using far = await this.visitor(this.far[0]);
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      let arrived = false;
      const probe = await to.subscribe('probe', () => (arrived = true));
      const arrives = await settled(async () => {
        await from.publish('probe');
        return arrived;
      }, 30_000);
      if (!arrives) this.#findings.add('nothing came from one broker to the other within 30 s');
      await probe.unsubscribe();
    }
  }

  async #mended(): Promise<void> {
    await this.whole();
    this.epoch++;
    for (const listener of this.#listeners) listener();
  }
}

// Brokers on one engine, and clients of them, in virtual time: a seed decides what goes wrong.

import type { Broker, Client, Message } from 'spoke';
import { matches } from 'spoke';
import type { MemoryNetwork } from 'spoke/testing';
import { memoryNetwork } from 'spoke/testing';

import { seededRandom } from '../../../../src/testing/network/random.js';
import { Work } from './work.js';

const PATTERNS = ['live/**', 'live/*/a', 'live/0/*', 'live/1/b', '*/*/b', '**/c', 'kept/**', 'kept/shared/a'];
const SHARED = ['kept/shared/a', 'kept/shared/b'];

interface Said {
  readonly by: string;
  readonly n: number;
}

interface Published extends Said {
  readonly channel: string;
}

/** A subscriber, and what it heard, apart by the lives of its broker. */
class Listener {
  readonly heard: Said[] = [];
  readonly kept = new Map<string, unknown>();
  readonly #times = new Map<string, number>();
  readonly problems: string[] = [];
  readonly #seen = new Set<string>();

  constructor(
    readonly broker: number,
    readonly pattern: string,
  ) {}

  readonly hear = ({ channel, body, time = 0 }: Message): void => {
    if (channel.startsWith('kept/')) {
      this.kept.set(channel, body);
      this.#times.set(channel, time);
      return;
    }
    if (!channel.startsWith('live/')) return;
    const said = body as Said;
    const key = `${said.by} ${said.n}`;
    if (this.#seen.has(key)) this.problems.push(`${this.name} heard ${key} twice`);
    this.#seen.add(key);
    this.heard.push(said);
  };

  // It may be told of after something newer has come.
  readonly cleared = (channel: string, time: number): void => {
    if ((this.#times.get(channel) ?? 0) <= time) this.kept.delete(channel);
  };

  /** Its broker was killed: nobody promises that what was on its way is not repeated by another. */
  newLife(): void {
    this.#seen.clear();
    this.kept.clear();
  }

  get name(): string {
    return `${this.pattern} at broker ${this.broker}`;
  }
}

export class ClusterWorld {
  readonly net: MemoryNetwork;
  readonly problems: string[] = [];
  readonly #work: Work;
  readonly #random: () => number;
  readonly #size: number;
  readonly #brokers: (Broker | undefined)[] = [];
  readonly #publishers: Client[] = [];
  readonly #listeners: Listener[] = [];
  readonly #counts = new Map<string, number>();
  /** By channel that one publisher alone writes: the last number that was acknowledged. */
  readonly #acknowledged = new Map<string, number>();
  #kept = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#size = 2 + Math.floor(this.#random() * 3);
    const slowest = [0, 5, 40, 300][Math.floor(this.#random() * 4)] ?? 0;
    this.net = memoryNetwork({ seed, latency: [0, slowest] });
    this.#work = new Work(this.net, this.#random);
  }

  async start(): Promise<void> {
    for (let n = 0; n < this.#size; n++) await this.#startBroker(n);
    for (let n = 0; n < this.#size; n++) {
      this.#publishers.push(await this.net.client({ to: `broker-${n}`, name: `publisher-${n}` }));
      for (let i = 0; i < 3; i++) {
        const listener = new Listener(n, this.#pick(PATTERNS));
        const client = await this.net.client({ to: `broker-${n}`, name: `listener-${n}-${i}` });
        await this.net.until(client.subscribe(listener.pattern, listener.hear, { cleared: listener.cleared }));
        client.on('state', (state) => {
          if (state === 'reconnecting') listener.newLife();
        });
        this.#listeners.push(listener);
      }
      await this.#work.begin(n);
    }
  }

  /** Nothing goes wrong: every listener hears all of it, once and in order. */
  async calm(messages: number): Promise<void> {
    for (const listener of this.#listeners) listener.heard.length = 0;
    const published: Published[] = [];
    const work: { channel: string; key: string }[] = [];
    for (let i = 0; i < messages; i++) {
      published.push(this.#publishLive());
      if (this.#random() < 0.3) this.#publishKept();
      if (this.#random() < 0.3) this.#work.call();
      work.push(this.#publishWork());
      if (this.#random() < 0.3) await this.net.advance(Math.floor(this.#random() * 50));
    }
    await this.net.advance('10 s');
    this.#work.check();
    this.#work.checkDone(work);
    for (const listener of this.#listeners) this.#check(listener, published);
  }

  /** Everything goes wrong that can. */
  async storm(steps: number): Promise<void> {
    for (let i = 0; i < steps; i++) {
      for (let p = Math.floor(this.#random() * 4); p > 0; p--) {
        this.#publishLive();
        if (this.#random() < 0.7) this.#publishKept();
        this.#publishWork();
        this.#work.call();
      }
      await this.#misfortune();
      await this.net.advance(Math.floor(this.#random() ** 3 * 15_000));
    }
    this.net.heal();
    this.net.engine.heal();
    this.net.engine.stall(false);
    this.net.engine.start();
    for (const [n, broker] of this.#brokers.entries()) if (broker === undefined) await this.#startBroker(n);
    await this.net.advance('2 min');
    this.#work.check();
  }

  /** What is kept is the same everywhere, the engine and all listeners included, and what was acknowledged is there. */
  checkKept(): void {
    const [first, ...others] = this.#listeners.filter(({ pattern }) => pattern === 'kept/**');
    for (const other of others) {
      if (show(other.kept) !== show(first?.kept)) {
        this.problems.push(`${first?.name}: ${show(first?.kept)}; ${other.name}: ${show(other.kept)}`);
      }
    }
    const sizes = this.#brokers.map((broker) => broker?.stats.kept.messages);
    if (new Set(sizes).size > 1) this.problems.push(`brokers keep ${sizes.join(', ')} messages`);
    for (const broker of this.#brokers) {
      if ((broker?.stats.cluster?.unsaved ?? 1) > 0) this.problems.push('a broker has what the engine has not');
    }
    if (first !== undefined) this.#checkAcknowledged(first.kept, first.name);
  }

  async checkCalls(): Promise<void> {
    const provider = this.#pick(this.#publishers);
    const service = await this.net.until(provider.provide('test/double', (x: number) => 2 * x));
    for (const [n, caller] of this.#publishers.entries()) {
      const result = await this.net.until(caller.call('test/double', n, { timeout: 20_000 }).catch(String));
      if (result !== 2 * n) this.problems.push(`a call from broker ${n}: ${String(result)}`);
    }
    await this.net.until(service.close());
  }

  async checkPresence(): Promise<void> {
    await this.#work.checkPresence();
  }

  /** A broker that joins has everything. */
  async checkNewcomer(): Promise<void> {
    const broker = await this.net.broker({ name: 'newcomer', cluster: true });
    const client = await this.net.client({ to: 'newcomer' });
    const kept = new Map<string, unknown>();
    await this.net.until(client.subscribe('kept/**', ({ channel, body }) => void kept.set(channel, body)));
    this.#checkAcknowledged(kept, 'a newcomer');
    if (kept.size !== this.#brokers[0]?.stats.kept.messages) this.problems.push('a newcomer has less');
    await this.net.until(broker.close());
  }

  /** Nothing is on its way any more. */
  async checkQuiet(): Promise<void> {
    await this.net.advance('30 s');
    const before = this.#traffic();
    await this.net.advance('60 s');
    if (this.#traffic() !== before) this.problems.push(`${this.#traffic() - before} messages that nobody published`);
  }

  async close(): Promise<void> {
    for (const listener of this.#listeners) this.problems.push(...listener.problems);
    this.problems.push(...this.#work.problems);
    await this.net.close();
  }

  async #startBroker(n: number): Promise<void> {
    // One that cannot reach the engine does not open.
    this.net.engine.start();
    this.net.engine.heal();
    this.#brokers[n] = await this.net.broker({ name: `broker-${n}`, cluster: true });
  }

  async #misfortune(): Promise<void> {
    const { net } = this;
    const { engine } = net;
    const n = Math.floor(this.#random() * this.#size);
    switch (Math.floor(this.#random() * 10)) {
      case 0:
        engine.heal();
        engine.start();
        engine.stall(false);
        break;
      case 1:
        engine.partition(`broker-${n}`);
        break;
      case 2:
        engine.stop();
        break;
      case 3:
        engine.stop();
        engine.start();
        break;
      case 4: {
        const victim = this.#brokers[n];
        this.#brokers[n] = undefined;
        if (victim === undefined) {
          engine.stall(false);
          await this.#startBroker(n);
        } else {
          this.#work.killed = true;
          await net.crash(victim);
        }
        break;
      }
      case 5:
        engine.stall(true);
        break;
      case 6:
        net.cut(`publisher-${n}`, `broker-${n}`);
        break;
      case 7:
        // Only while all brokers are there: they have the copies.
        if (this.#random() < 0.3 && this.#brokers.every((broker) => broker?.stats.cluster?.reachable)) {
          engine.stop();
          engine.start({ empty: true });
        }
        break;
      default:
        // Nothing.
        break;
    }
  }

  #publishLive(): Published {
    const publisher = Math.floor(this.#random() * this.#size);
    const by = `publisher-${publisher}`;
    const channel = `live/${publisher % 3}/${this.#pick(['a', 'b', 'c'])}`;
    const n = this.#next(by);
    this.#publishers[publisher]?.publish(channel, { by, n }).catch(() => {});
    return { by, n, channel };
  }

  #publishWork(): { channel: string; key: string } {
    const publisher = Math.floor(this.#random() * this.#size);
    const channel = `work/${Math.floor(this.#random() * 3)}/${this.#pick(['a', 'b', 'c'])}`;
    const key = `job ${this.#next('work')}`;
    this.#publishers[publisher]?.publish(channel, key).catch(() => {});
    return { channel, key };
  }

  #publishKept(): void {
    const publisher = Math.floor(this.#random() * this.#size);
    const client = this.#publishers[publisher];
    if (this.#random() < 0.5) {
      const channel = `kept/own/${publisher}`;
      const n = this.#next(channel);
      client?.publish(channel, n, { persist: true }).then(
        () => this.#acknowledged.set(channel, Math.max(n, this.#acknowledged.get(channel) ?? 0)),
        () => {},
      );
    } else if (this.#random() < 0.25) client?.kept.clear(this.#pick(SHARED)).catch(() => {});
    else client?.publish(this.#pick(SHARED), `value ${++this.#kept}`, { persist: true }).catch(() => {});
  }

  #check(listener: Listener, published: readonly Published[]): void {
    for (const by of new Set(published.map((one) => one.by))) {
      const wanted = published.filter((one) => one.by === by && matches(listener.pattern, one.channel));
      const heard = listener.heard.filter((one) => one.by === by);
      const [expected, got] = [wanted, heard].map((list) => list.map(({ n }) => n).join(' '));
      if (expected !== got) this.problems.push(`${listener.name}, of ${by}: expected ${expected}; heard ${got}`);
    }
  }

  #checkAcknowledged(kept: ReadonlyMap<string, unknown>, who: string): void {
    for (const [channel, n] of this.#acknowledged) {
      const has = kept.get(channel);
      if (typeof has !== 'number' || has < n) {
        this.problems.push(`${channel}: ${n} was acknowledged, and ${who} has ${String(has)}`);
      }
    }
  }

  #traffic(): number {
    let sum = 0;
    for (const broker of this.#brokers) sum += broker?.stats.cluster?.sent ?? 0;
    return sum;
  }

  #next(key: string): number {
    const n = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, n);
    return n;
  }

  #pick<T>(all: readonly T[]): T {
    const one = all[Math.floor(this.#random() * all.length)];
    if (one === undefined) throw new TypeError('there is nothing to choose from');
    return one;
  }
}

function show(kept: ReadonlyMap<string, unknown> | undefined): string {
  return JSON.stringify([...(kept ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)));
}

// Groups and calls in a simulated cluster: what is done once, and by whom.

import type { Client, Message, PresenceEntry, PresenceNews } from 'spoke';
import { matches, SpokeError } from 'spoke';
import type { MemoryNetwork } from 'spoke/testing';

const GROUPS = ['red', 'blue'];
const PATTERNS = ['work/**', 'work/*/a', 'work/0/*', '*/*/b', '**/c', 'work/1/b'];
/** What may become of a call when things go wrong: not that nobody ever says anything. */
const TOLD = ['NO_PROVIDER', 'PROVIDER_LOST', 'CONNECTION_LOST'];

interface Said {
  readonly channel: string;
  readonly key: string;
}

interface Worker {
  readonly group: string;
  readonly pattern: string;
}

export class Work {
  readonly problems: string[] = [];
  /** A broker was killed: what is published again at another one may be done again. */
  killed = false;
  readonly #net: MemoryNetwork;
  readonly #random: () => number;
  readonly #workers: Worker[] = [];
  readonly #callers: Client[] = [];
  /** By group and message: how often a member got it. */
  readonly #done = new Map<string, number>();
  readonly #ran = new Map<number, number>();
  readonly #waiting = new Set<number>();
  readonly #believed = new Map<string, PresenceEntry>();
  #calls = 0;

  constructor(net: MemoryNetwork, random: () => number) {
    this.#net = net;
    this.#random = random;
  }

  /** Two members, a provider and a caller at a broker. */
  async begin(broker: number): Promise<void> {
    for (let i = 0; i < 2; i++) {
      const group = GROUPS[Math.floor(this.#random() * GROUPS.length)] ?? '';
      const pattern = PATTERNS[Math.floor(this.#random() * PATTERNS.length)] ?? '';
      const worker = await this.#client(broker, `worker-${broker}-${i}`);
      const hear = ({ body }: Message): void => {
        if (typeof body !== 'string') return;
        const key = `${group} ${body}`;
        this.#done.set(key, (this.#done.get(key) ?? 0) + 1);
      };
      await this.#net.until(worker.subscribe(pattern, hear, { group }));
      this.#workers.push({ group, pattern });
    }
    const provider = await this.#client(broker, `provider-${broker}`);
    const run = async (n: number): Promise<number> => {
      this.#ran.set(n, (this.#ran.get(n) ?? 0) + 1);
      const delay = this.#random() ** 4 * 4000;
      await new Promise<void>((resolve) => this.#net.clock.setTimer(delay, resolve));
      return -n;
    };
    await this.#net.until(provider.provide('work/run', run));
    this.#callers.push(await this.#client(broker, `caller-${broker}`));
    if (broker === 0) {
      const watch = ({ joined, changed, left }: PresenceNews): void => {
        for (const entry of [...joined, ...changed]) this.#believed.set(entry.id, entry);
        for (const id of left) this.#believed.delete(id);
      };
      const [caller] = this.#callers;
      if (caller !== undefined) await this.#net.until(caller.presence.watch(watch));
    }
  }

  /** Nobody need answer. */
  call(): void {
    const caller = this.#callers[Math.floor(this.#random() * this.#callers.length)];
    const n = ++this.#calls;
    this.#waiting.add(n);
    caller?.call('work/run', n, { timeout: Infinity }).then(
      (result) => {
        this.#waiting.delete(n);
        if (result !== -n) this.problems.push(`call ${n} was answered with ${String(result)}`);
      },
      (error: unknown) => {
        this.#waiting.delete(n);
        if (!(error instanceof SpokeError) || !TOLD.includes(error.code))
          this.problems.push(`call ${n}: ${String(error)}`);
      },
    );
  }

  /** When all is well again every call has ended, and none ran twice. */
  check(): void {
    if (this.#waiting.size > 0) this.problems.push(`calls ${[...this.#waiting].join(', ')} never ended`);
    for (const [n, times] of this.#ran) if (times > 1) this.problems.push(`call ${n} ran ${times} times`);
    if (this.killed) return;
    for (const [key, times] of this.#done) if (times > 1) this.problems.push(`${key} was done ${times} times`);
  }

  /** Of these each was done by one member of every group that wants it. */
  checkDone(said: readonly Said[]): void {
    for (const { channel, key } of said) {
      for (const group of GROUPS) {
        const wanted = this.#workers.some((one) => one.group === group && matches(one.pattern, channel));
        const times = this.#done.get(`${group} ${key}`) ?? 0;
        if (times !== (wanted ? 1 : 0)) this.problems.push(`${group}: ${key} on ${channel} was done ${times} times`);
      }
    }
  }

  /** A watcher believes what anybody is told who asks. */
  async checkPresence(): Promise<void> {
    for (const caller of this.#callers) {
      const list = await this.#net.until(caller.presence.list());
      const [believed, told] = [[...this.#believed.keys()], list.map(({ id }) => id)].map((ids) =>
        ids.sort().join(' '),
      );
      if (believed !== told) this.problems.push(`presence: ${String(believed)}; believed: ${String(told)}`);
    }
  }

  #client(broker: number, name: string): Promise<Client> {
    return this.#net.client({ to: `broker-${broker}`, name, about: { name } });
  }
}

// Persistent messages that are set, cleared and expire on both sides of a bridge: what was answered is what is kept, on both.

import type { Client } from '../../../src/index.js';
import type { Findings } from '../findings.js';
import { Routine } from '../routine.js';
import { settled } from '../settled.js';
import type { World } from '../world.js';
import type { Part } from './part.js';

const CHANNELS = 200;
const EXPIRING = 50;
const TTL = 3000;

export class Kept implements Part {
  readonly name = 'kept messages';
  readonly counts = { set: 0, cleared: 0, expiring: 0, checked: 0, wrong: 0 };
  readonly #findings: Findings;
  readonly #near: Client;
  readonly #far: Client;
  readonly #routines: readonly Routine[];
  /** What has to be kept, as the broker's answers have it; `undefined`: nothing. */
  readonly #books = new Map<string, number | undefined>();

  static async open(world: World, findings: Findings, perSecond: number): Promise<Kept> {
    const near = await world.client('the near keeper', world.near[0]);
    const far = await world.client('the far keeper', world.far[0], { codec: 'msgpack' });
    return new Kept(findings, near, far, perSecond);
  }

  private constructor(findings: Findings, near: Client, far: Client, perSecond: number) {
    this.#findings = findings;
    this.#near = near;
    this.#far = far;
    // One at a time on either side: so the books are always right.
    const interval = 2000 / perSecond;
    this.#routines = [
      new Routine('keeping, near', interval, findings, () => this.#step('near', near)),
      new Routine('keeping, far', interval, findings, () => this.#step('far', far)),
    ];
  }

  async finish(): Promise<void> {
    await Promise.all(this.#routines.map((routine) => routine.stop()));
    const sides = [
      { side: 'near', client: this.#near },
      { side: 'far', client: this.#far },
    ];
    for (const { side, client } of sides) {
      let wrong: string[] = [];
      await settled(async () => (wrong = await this.#compare(client)).length === 0);
      this.counts.checked += this.#books.size;
      this.counts.wrong += wrong.length;
      for (const text of wrong) this.#findings.add(`kept, ${side}: ${text}`);
    }
  }

  async #step(side: string, client: Client): Promise<void> {
    const n = ++this.counts.set;
    if (n % 5 === 0) {
      this.counts.expiring++;
      await client.publish(`expiring/${side}/${n % EXPIRING}`, n, { persist: true, ttl: TTL });
      return;
    }
    const channel = `kept/${side}/${Math.floor(Math.random() * CHANNELS)}`;
    if (n % 7 === 0) {
      await client.kept.clear(channel);
      this.#books.set(channel, undefined);
      this.counts.cleared++;
      return;
    }
    await client.publish(channel, { n, text: 'x'.repeat(n % 300) }, { persist: true });
    this.#books.set(channel, n);
  }

  async #compare(client: Client): Promise<string[]> {
    const wrong: string[] = [];
    for (const [channel, expected] of this.#books) {
      const kept = await client.kept.get<{ n: number }>(channel, { timeout: 20_000 });
      if (kept?.body.n !== expected) wrong.push(`${channel} is ${kept?.body.n}, not ${expected}`);
    }
    for await (const { channel } of client.kept.list('expiring/**')) wrong.push(`${channel} has not expired`);
    return wrong;
  }
}

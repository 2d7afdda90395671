// Calls beside the provider and beyond the bridge, a stream among them, and providers that come and go.

import type { Client } from '../../../src/index.js';
import type { Findings } from '../findings.js';
import { Routine } from '../routine.js';
import type { World } from '../world.js';
import type { Part } from './part.js';

const ITEMS = 10;

export class Calls implements Part {
  readonly name = 'calls';
  readonly counts = { near: 0, far: 0, farFailedWhileBroken: 0, streams: 0, items: 0, provided: 0, wrong: 0 };
  readonly #world: World;
  readonly #findings: Findings;
  readonly #client: Client;
  readonly #routines: readonly Routine[];

  static async open(world: World, findings: Findings, perSecond: number): Promise<Calls> {
    const near = await world.client('the near provider', world.near[1]);
    await near.provide('square/near', (x: number) => x * x);
    await near.provide('count/near', async function* (to: number) {
      for (let n = 1; n <= to; n++) yield n;
    });
    const far = await world.client('the far provider', world.far[0]);
    await far.provide('square/far', (x: number) => x * x);
    return new Calls(world, findings, await world.client('the caller', world.near[0]), perSecond);
  }

  private constructor(world: World, findings: Findings, client: Client, perSecond: number) {
    this.#world = world;
    this.#findings = findings;
    this.#client = client;
    this.#routines = [
      new Routine('calls, near', 1000 / perSecond, findings, () => this.#near()),
      new Routine('calls, far', 2000 / perSecond, findings, () => this.#far()),
      new Routine('streams', 5000 / perSecond, findings, () => this.#stream()),
      new Routine('a provider that comes and goes', 900, findings, () => this.#provide()),
    ];
  }

  async finish(): Promise<void> {
    await Promise.all(this.#routines.map((routine) => routine.stop()));
  }

  async #near(): Promise<void> {
    const n = ++this.counts.near;
    this.#check(await this.#client.call<number>('square/near', n, { timeout: 20_000 }), n * n);
  }

  async #far(): Promise<void> {
    const n = ++this.counts.far;
    const { epoch } = this.#world;
    try {
      this.#check(await this.#client.call<number>('square/far', n, { timeout: 5000 }), n * n);
    } catch (error) {
      // It may have been under way.
      if (epoch % 2 === 0 && epoch === this.#world.epoch) throw error;
      this.counts.farFailedWhileBroken++;
    }
  }

  async #stream(): Promise<void> {
    this.counts.streams++;
    let last = 0;
    for await (const item of this.#client.stream<number>('count/near', ITEMS, { timeout: 20_000 })) {
      this.#check(item, ++last);
      this.counts.items++;
    }
    this.#check(last, ITEMS);
  }

  async #provide(): Promise<void> {
    const provider = await this.#world.visitor(this.#world.near[this.counts.provided % 3]);
    const name = `passing/${++this.counts.provided}`;
    await provider.provide(name, (text: string) => text.toUpperCase());
    const answer = await this.#client.call<string>(name, 'grüße', { timeout: 20_000 });
    if (answer !== 'GRÜSSE') this.#wrong(`${name} answered ${answer}`);
    await provider.close();
  }

  #check(answer: number, expected: number): void {
    if (answer !== expected) this.#wrong(`${answer} instead of ${expected}`);
  }

  #wrong(text: string): void {
    this.counts.wrong++;
    this.#findings.add(`calls: ${text}`);
  }
}

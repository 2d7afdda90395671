// Numbered messages with an answer over connections that break off: each arrives once, and in order.

import type { Client } from '../../../src/index.js';
import { CuttingProxy } from '../cutting-proxy.js';
import type { Findings } from '../findings.js';
import { Routine } from '../routine.js';
import { settled } from '../settled.js';
import type { World } from '../world.js';
import type { Part } from './part.js';

const BATCH = 5;

export class CutOff implements Part {
  readonly name = 'messages over connections that are cut';
  readonly #findings: Findings;
  readonly #client: Client;
  readonly #proxy: CuttingProxy;
  #routines: readonly Routine[] = [];
  readonly #counts = { published: 0, acknowledged: 0, received: 0, lost: 0, doubled: 0 };
  #last = 0;

  static async open(world: World, findings: Findings, perSecond: number): Promise<CutOff> {
    const proxy = await CuttingProxy.open(world.near[0]);
    const client = await world.client('the publisher that is cut off', proxy.url, { codec: 'msgpack' });
    const part = new CutOff(findings, client, proxy);
    const subscriber = await world.client('its subscriber', world.near[1]);
    await subscriber.subscribe('cut/*', ({ body }) => part.#receive(Number(body)));
    part.#routines = [
      new Routine('cut off', (BATCH * 1000) / perSecond, findings, () => part.#publish()),
      new Routine('cutting', 4000, findings, async () => proxy.cut()),
    ];
    return part;
  }

  private constructor(findings: Findings, client: Client, proxy: CuttingProxy) {
    this.#findings = findings;
    this.#client = client;
    this.#proxy = proxy;
  }

  get counts(): Readonly<Record<string, number>> {
    return { ...this.#counts, cuts: this.#proxy.cuts };
  }

  async finish(): Promise<void> {
    await Promise.all(this.#routines.map((routine) => routine.stop()));
    const { published, acknowledged } = this.#counts;
    if (!(await settled(() => this.#last === published))) {
      this.#counts.lost += published - this.#last;
      this.#findings.add(`cut off: ${published} published, ${this.#last} arrived`);
    }
    if (acknowledged !== published) this.#findings.add(`cut off: ${published - acknowledged} were not acknowledged`);
    await this.#client.close();
    await this.#proxy.close();
  }

  async #publish(): Promise<void> {
    const answers: Promise<void>[] = [];
    for (let i = 0; i < BATCH; i++) {
      const n = ++this.#counts.published;
      answers.push(this.#client.publish('cut/off', n, { ack: true }).then(() => void this.#counts.acknowledged++));
    }
    await Promise.all(answers);
  }

  #receive(n: number): void {
    this.#counts.received++;
    if (n !== this.#last + 1) {
      if (n > this.#last) this.#counts.lost += n - this.#last - 1;
      else this.#counts.doubled++;
      this.#findings.add(`cut off: ${n} came after ${this.#last}`);
    }
    this.#last = Math.max(n, this.#last);
  }
}

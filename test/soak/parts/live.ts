// Numbered messages with an answer, to a subscriber beside the publisher and to one beyond the bridge.

import type { Client } from '../../../src/index.js';
import type { Findings } from '../findings.js';
import { Routine } from '../routine.js';
import { settled } from '../settled.js';
import type { World } from '../world.js';
import type { Part } from './part.js';

/** Published at once, each time. */
const BATCH = 5;

export class Live implements Part {
  readonly name = 'live messages';
  readonly counts = { published: 0, acknowledged: 0, near: 0, far: 0, farMissedWhileBroken: 0, lost: 0, doubled: 0 };
  readonly #world: World;
  readonly #findings: Findings;
  readonly #client: Client;
  #routine: Routine | undefined;
  #nearLast = 0;
  #farLast = 0;
  /** Until a message comes over that was published when the way was whole again. */
  #broken = false;
  #wholeFrom = Infinity;

  static async open(world: World, findings: Findings, perSecond: number): Promise<Live> {
    const live = new Live(world, findings, await world.client('the live publisher', world.near[0]));
    await live.#subscribe();
    await world.whole();
    live.#routine = new Routine('live', (BATCH * 1000) / perSecond, findings, () => live.#publish());
    return live;
  }

  private constructor(world: World, findings: Findings, client: Client) {
    this.#world = world;
    this.#findings = findings;
    this.#client = client;
    world.onWhole(() => (this.#wholeFrom = this.counts.published));
  }

  async finish(): Promise<void> {
    await settled(() => !this.#broken);
    await this.#routine?.stop();
    const { counts } = this;
    if (!(await settled(() => this.#nearLast === counts.published && this.#farLast === counts.published))) {
      counts.lost += counts.published - this.#nearLast + (counts.published - this.#farLast);
      this.#findings.add(`live: ${counts.published} published, near has ${this.#nearLast}, far ${this.#farLast}`);
    }
    if (counts.acknowledged !== counts.published) {
      this.#findings.add(`live: ${counts.published - counts.acknowledged} were not acknowledged`);
    }
  }

  async #subscribe(): Promise<void> {
    const near = await this.#world.client('the near subscriber', this.#world.near[2]);
    await near.subscribe('live/**', ({ body }) => this.#near(Number(body)));
    const far = await this.#world.client('the far subscriber', this.#world.far[0]);
    await far.subscribe('live/*', ({ body }) => this.#far(Number(body)));
  }

  async #publish(): Promise<void> {
    const answers: Promise<void>[] = [];
    for (let i = 0; i < BATCH; i++) {
      const n = ++this.counts.published;
      answers.push(
        this.#client.publish(`live/${n % 50}`, n, { ack: true }).then(() => void this.counts.acknowledged++),
      );
    }
    await Promise.all(answers);
  }

  #near(n: number): void {
    this.counts.near++;
    this.#check('near', this.#nearLast, n);
    if (n > this.#nearLast) this.#nearLast = n;
  }

  #far(n: number): void {
    this.counts.far++;
    this.#broken ||= this.#world.epoch % 2 === 1 || this.#wholeFrom !== Infinity;
    if (this.#broken && n > this.#farLast) this.counts.farMissedWhileBroken += n - this.#farLast - 1;
    else this.#check('far', this.#farLast, n);
    this.#farLast = Math.max(n, this.#farLast);
    if (this.#world.epoch % 2 === 1 || n <= this.#wholeFrom) return;
    this.#broken = false;
    this.#wholeFrom = Infinity;
  }

  #check(where: string, last: number, n: number): void {
    if (n === last + 1) return;
    if (n > last) this.counts.lost += n - last - 1;
    else this.counts.doubled++;
    this.#findings.add(`live, ${where}: ${n} came after ${last}`);
  }
}

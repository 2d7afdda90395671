// Jobs for a group whose members come and go: each is done once.

import type { Client, Message } from '../../../src/index.js';
import type { Findings } from '../findings.js';
import { Routine } from '../routine.js';
import { settled } from '../settled.js';
import type { World } from '../world.js';
import type { Part } from './part.js';

const BATCH = 5;

export class Jobs implements Part {
  readonly name = 'jobs of a group';
  readonly counts = { published: 0, acknowledged: 0, done: 0, joined: 0, lost: 0, doubled: 0 };
  readonly #world: World;
  readonly #findings: Findings;
  readonly #client: Client;
  #routines: readonly Routine[] = [];
  /** Published, and not done yet. */
  readonly #open = new Set<number>();

  static async open(world: World, findings: Findings, perSecond: number): Promise<Jobs> {
    const staying = await world.client('the member that stays', world.near[2]);
    const client = await world.client('the publisher of jobs', world.near[0]);
    const part = new Jobs(world, findings, client);
    await staying.subscribe('jobs/*', (message) => part.done(message), { group: 'workers' });
    part.#begin(findings, perSecond);
    return part;
  }

  private constructor(world: World, findings: Findings, client: Client) {
    this.#world = world;
    this.#findings = findings;
    this.#client = client;
  }

  #begin(findings: Findings, perSecond: number): void {
    this.#routines = [
      new Routine('jobs', (BATCH * 1000) / perSecond, findings, () => this.#publish()),
      new Routine('a member that leaves', 700, findings, () => this.#visit(false)),
      new Routine('a member that closes', 1100, findings, () => this.#visit(true)),
    ];
  }

  async finish(): Promise<void> {
    await Promise.all(this.#routines.map((routine) => routine.stop()));
    const { published, acknowledged } = this.counts;
    if (acknowledged !== published) this.#findings.add(`jobs: ${published - acknowledged} were not acknowledged`);
    if (!(await settled(() => this.#open.size === 0))) {
      this.counts.lost += this.#open.size;
      this.#findings.add(`jobs: ${this.#open.size} were not done, ${[...this.#open].slice(0, 5).join(', ')}...`);
    }
  }

  done({ body }: Pick<Message, 'body'>): void {
    this.counts.done++;
    if (this.#open.delete(Number(body))) return;
    this.counts.doubled++;
    this.#findings.add(`jobs: ${String(body)} was done twice`);
  }

  async #publish(): Promise<void> {
    const answers: Promise<void>[] = [];
    for (let i = 0; i < BATCH; i++) {
      const n = ++this.counts.published;
      this.#open.add(n);
      answers.push(this.#client.publish(`jobs/${n % 3}`, n, { ack: true }).then(() => void this.counts.acknowledged++));
    }
    await Promise.all(answers);
  }

  async #visit(closes: boolean): Promise<void> {
    const member = await this.#world.visitor(this.#world.near[this.counts.joined % 3]);
    const subscription = await member.subscribe('jobs/**', (message) => this.done(message), { group: 'workers' });
    this.counts.joined++;
    await new Promise((resolve) => setTimeout(resolve, 300));
    if (!closes) {
      await subscription.unsubscribe();
      await member.flush({ timeout: 20_000 });
    }
    await member.close();
  }
}

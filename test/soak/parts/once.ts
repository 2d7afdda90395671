// Channels that are used once: what remembers channels (docs/limits.md) is full soon and turns over from then on, so that what it
// holds is not taken for growth.

import type { Client } from '../../../src/index.js';
import type { Findings } from '../findings.js';
import { Routine } from '../routine.js';
import type { World } from '../world.js';
import type { Part } from './part.js';

/** Channels at a time of each client, and milliseconds between. */
const BATCH = 25;
const INTERVAL = 500;

export class Once implements Part {
  readonly name = 'channels used once';
  readonly counts = { channels: 0 };
  readonly #routines: readonly Routine[];

  static async open(world: World, findings: Findings): Promise<Once> {
    const clients: Client[] = [];
    for (const url of [world.near[0], world.far[0]]) {
      for (const codec of ['json', 'msgpack'])
        clients.push(await world.client('who uses channels once', url, { codec }));
    }
    return new Once(clients, findings);
  }

  private constructor(clients: readonly Client[], findings: Findings) {
    this.#routines = clients.map(
      (client, i) => new Routine('channels used once', INTERVAL, findings, () => this.#publish(client, `once/${i}`)),
    );
  }

  async finish(): Promise<void> {
    await Promise.all(this.#routines.map((routine) => routine.stop()));
  }

  // Those that end as calls do are looked up among providers as well.
  async #publish(client: Client, first: string): Promise<void> {
    for (let i = 0; i < BATCH; i++) await client.publish(`${first}/${this.counts.channels++}/-rpc/x/call`, i);
  }
}

// Those who come and go: clients that look around, readers that stall, strangers that talk nonsense and vanish.

import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Client, SlowPolicy } from '../../../src/index.js';
import type { Findings } from '../findings.js';
import { Routine } from '../routine.js';
import type { World } from '../world.js';
import type { Part } from './part.js';

const PATTERNS = ['**', 'live/*', '*/1', 'kept/**', '**/x', 'jobs/*', '-rpc/**', 'live/1/**', '*/**/2'];
const POLICIES: readonly SlowPolicy[] = ['disconnect', 'drop-oldest', 'latest', 'hold'];

export class Visitors implements Part {
  readonly name = 'visitors';
  readonly counts = { clients: 0, subscriptions: 0, messages: 0, stalled: 0, strangers: 0 };
  readonly #world: World;
  readonly #routines: readonly Routine[];

  constructor(world: World, findings: Findings, perSecond: number) {
    this.#world = world;
    const interval = 1000 / perSecond;
    this.#routines = [
      new Routine('a visitor', interval, findings, () => this.#visit()),
      new Routine('a reader that stalls', interval * 20, findings, () => this.#stall()),
      new Routine('a stranger', interval, findings, () => this.#knock()),
    ];
  }

  async finish(): Promise<void> {
    await Promise.all(this.#routines.map((routine) => routine.stop()));
  }

  /** Looks at this and that, and hears what it says itself. */
  async #visit(): Promise<void> {
    const number = ++this.counts.clients;
    const codec = number % 2 === 0 ? 'json' : 'msgpack';
    const client = await this.#world.visitor(this.#world.near[number % 3], { codec });
    const subscriptions = await Promise.all(
      [0, 1, 2].map((i) =>
        client.subscribe(PATTERNS[(number + i) % PATTERNS.length] ?? '', () => void this.counts.messages++, {
          slow: POLICIES[(number + i) % POLICIES.length] ?? 'latest',
        }),
      ),
    );
    this.counts.subscriptions += subscriptions.length;
    await this.#heard(client, number);
    if (number % 3 === 0) for (const subscription of subscriptions) await subscription.unsubscribe();
    await client.close();
  }

  async #heard(client: Client, number: number): Promise<void> {
    let heard: (() => void) | undefined;
    const own = new Promise<void>((resolve) => (heard = resolve));
    await client.subscribe(`visit/${number}`, () => heard?.());
    await client.publish(`visit/${number}`, 'x'.repeat(number % 2000));
    await client.flush({ timeout: 20_000 });
    await own;
  }

  /** Asks for everything, reads nothing, and is gone after a while. */
  async #stall(): Promise<void> {
    this.counts.stalled++;
    await this.#raw(3000, (write) => write('{"head": {"channel": "-control/subscribe"}, "body": "**"}\0'), false);
  }

  async #knock(): Promise<void> {
    const number = ++this.counts.strangers;
    const noise = number % 2 === 0 ? randomBytes(number % 500) : '{"head": {"channel": "live';
    await this.#raw(10, (write) => write(noise), true);
  }

  async #raw(milliseconds: number, talk: (write: (bytes: string | Uint8Array) => void) => void, reads: boolean) {
    const socket = connect({ port: Number(new URL(this.#world.near[0] ?? '').port), host: '127.0.0.1' });
    socket.on('error', () => {});
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await new Promise((resolve) => socket.once('connect', resolve));
    if (reads) socket.resume();
    talk((bytes) => socket.write(bytes));
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    socket.resetAndDestroy();
    await closed;
  }
}

// A robot and a station that keep to contracts.

import type { AsyncApiDocument, Client, Provider } from 'spoke';
import { asyncapi } from 'spoke';

import { complaints, drive, pose } from './contracts.js';

export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Drives at once to wherever it is told to go. */
export async function robot(client: Client, id: string): Promise<Provider> {
  let at: Place = { x: 0, y: 0 };
  await client.publish(pose({ id }), at);
  return client.provide(drive({ id }), {
    goTo: async (to) => {
      const metres = Math.hypot(to.x - at.x, to.y - at.y);
      at = to;
      if (metres > 100) await client.publish(complaints({ id, part: 'battery' }), 'that was far');
      await client.publish(pose({ id }), at);
      return { metres };
    },
    stop: () => {},
  });
}

/** Knows where all robots are, and what they complain of. */
export class Station {
  readonly places = new Map<string, Place>();
  readonly complaints: string[] = [];
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  async start(): Promise<void> {
    await this.#client.subscribe(pose, ({ params, body }) => this.places.set(params.id, body));
    await this.#client.subscribe(complaints, ({ params, body }) =>
      this.complaints.push(`${params.id}, ${params.part}: ${body}`),
    );
  }

  /** Metres it took. */
  async send(id: string, to: Place): Promise<number> {
    const { metres } = await this.#client.use(drive({ id })).goTo(to);
    return metres;
  }
}

/** For those who write robots in other languages. */
export function describeRobot(): AsyncApiDocument {
  return asyncapi({ title: 'Robot', version: '1.0.0' }, { publishes: [pose, complaints], provides: [drive] });
}

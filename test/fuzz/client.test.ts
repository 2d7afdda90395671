// The budget is set by environment variables: see budget.ts.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fc } from '../support/fast-check.js';
import type { Client } from 'spoke';
import { LIMITS } from '../interop/bad-messages.js';
import { Scene } from '../interop/scene.js';
import type { IndependentServer } from '../support/independent-peer/index.js';
import { budget, Tally, TIMEOUT } from './budget.js';
import type { Stream } from './streams.js';
import { stream } from './streams.js';

const scene = new Scene();
const states: string[] = [];
const answers: unknown[] = [];
let server: IndependentServer;
let client: Client;
let errors: { length: number };

beforeAll(async () => {
  server = await scene.foreignServer();
  ({ client, errors } = await scene.client(server.url, { limits: LIMITS }));
  client.on('state', (state) => states.push(state));
  await client.subscribe('**', () => {});
  await client.subscribe('usable', ({ body }) => answers.push(body));
  await client.provide('math/square', (x: number) => x * x);
});

afterAll(async () => {
  await scene.close();
});

describe('A client, whatever bytes its broker sends it', () => {
  it(
    'reports what it cannot read, keeps its connection and does its work',
    async () => {
      const tally = new Tally('client');
      const property = fc.asyncProperty(stream('server'), async (input: Stream) => {
        const [connection] = server.connections;
        answers.length = 0;
        errors.length = 0;
        tally.add(input);
        for (const piece of input.pieces) {
          connection?.inject(piece);
        }
        connection?.inject(Uint8Array.of(0));
        await client.publish('usable', 1);
        await client.flush({ timeout: 5000 });
        expect(answers).toEqual([1]);
        expect(await client.call<number>('math/square', 3, { timeout: 5000 })).toBe(9);
        expect(states).toEqual([]);
        expect(server.complaints).toEqual([]);
        server.received.length = 0;
      });
      await fc.assert(property, budget());
      tally.report();
    },
    TIMEOUT,
  );
});

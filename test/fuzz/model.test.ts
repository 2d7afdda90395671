// The budget is set by environment variables: see budget.ts.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fc } from '../support/fast-check.js';
import { Broker, MemoryTransport } from 'spoke';
import { memoryWire } from '../interop/memory-wire.js';
import { matches, RawPeer } from '../support/independent-peer/index.js';
import { budget, Tally, TIMEOUT } from './budget.js';
import type { Passed } from './model.js';
import { framesOf, Model, MODEL_LIMITS, modelSession } from './model.js';
import type { Stream } from './streams.js';
import { repetitions, stream } from './streams.js';

const URL = 'memory://model';
const PATTERNS = ['**', 'a/*', 'b/**', '*/a', '**/b', 'a', 'robot/*/pose', 'cfg/**', 'odd', '-control/**', ''];

// Inside the process a piece is read as it was sent, each to the beginning of one buffer that is scribbled over afterwards.
const transport = new MemoryTransport({ scribble: true });
const model = new Model();
const watchers = new Map<string, RawPeer>();
let broker: Broker;

beforeAll(async () => {
  broker = await Broker.start({ listen: URL, transports: [transport], limits: MODEL_LIMITS });
  for (const pattern of PATTERNS) {
    const watcher = new RawPeer(await memoryWire(transport, URL));
    watcher.send(`{"head": {"bounce": false, "channel": "-control/subscribe"}, "body": "${pattern}"}\0`);
    await watcher.roundTrip();
    watchers.set(pattern, watcher);
  }
  for (const watcher of watchers.values()) watcher.messages.length = 0;
});

afterAll(async () => {
  for (const watcher of watchers.values()) await watcher.end();
  await broker.close();
});

/** As the model says it: the time taken out when it is the broker's. */
function told(message: string, expected: Passed | undefined): unknown {
  const { head, body }: { head: Record<string, unknown>; body: unknown } = JSON.parse(message);
  const members = Object.entries(head)
    .filter(([key]) => key !== 'time' || expected?.time !== undefined)
    .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return { head: members.join(','), body: JSON.stringify(body) };
}

describe('A broker passes on exactly what the protocol page says, to exactly those it names', () => {
  it(
    'whatever it is sent, in whatever pieces',
    async () => {
      const tally = new Tally('model');
      const property = fc.asyncProperty(fc.oneof(stream('client'), repetitions()), async (input: Stream) => {
        const { pieces } = input;
        const stranger = new RawPeer(await memoryWire(transport, URL));
        // The subscription of its round trips is made first, while there is room for it.
        await stranger.roundTrip();
        const all = [...pieces.map((piece) => Buffer.from(piece)), Buffer.of(0)];
        for (const piece of all) stranger.send(piece);
        tally.add(input);
        await stranger.roundTrip();
        await stranger.end();
        expect(stranger.complaints).toEqual([]);

        const session = modelSession();
        session.patterns.add('that of the round trips');
        const passed: Passed[] = [];
        const everything = watchers.get('**');
        await everything?.roundTrip();
        for (const frame of framesOf(Buffer.concat(all))) {
          const one = model.receive(session, frame);
          if (one === undefined) continue;
          if (one.persist && one.time === undefined) {
            const { head }: { head: { time: number } } = JSON.parse(
              everything?.messages[passed.length] ?? '{"head": {}}',
            );
            model.kept.set(one.channel, head.time);
          }
          passed.push(one);
        }
        for (const [pattern, watcher] of watchers) {
          await watcher.roundTrip();
          const expected = passed.filter(({ channel }) => matches(pattern, channel));
          const seen = watcher.messages.splice(0).map((message, i) => told(message, expected[i]));
          expect({ pattern, seen }).toEqual({ pattern, seen: expected.map(({ head, body }) => ({ head, body })) });
          expect(watcher.complaints).toEqual([]);
        }
      });
      await fc.assert(property, budget());
      tally.report();
    },
    TIMEOUT,
  );
});

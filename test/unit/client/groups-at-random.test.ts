// Groups under random joins, leaves, stalls and lost connections: each message to one member of each group.

import { describe, expect, it, jest } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import type { Subscription } from '../../../src/client/index.js';
import type { Client } from '../../../src/node/index.js';
import { memoryNetwork } from '../../../src/testing/index.js';

jest.setTimeout(120_000);

const GROUPS = ['one', 'two'] as const;
const PATTERNS = ['jobs/*', 'jobs/**', 'jobs/a'];
const CHANNELS = ['jobs/a', 'jobs/b'];
const CLIENTS = 4;

const who = fc.nat(CLIENTS - 1);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ join: who, group: fc.constantFrom(...GROUPS), pattern: fc.constantFrom(...PATTERNS) }),
  },
  { weight: 2, arbitrary: fc.record({ leave: fc.nat(20) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      publish: fc.constantFrom(...CHANNELS),
      times: fc.integer({ min: 1, max: 8 }),
      size: fc.constantFrom(1, 30_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ stall: who }) },
  { weight: 2, arbitrary: fc.constant('heal' as const) },
  { weight: 2, arbitrary: fc.record({ cut: who }) },
  { weight: 2, arbitrary: fc.constantFrom('idle' as const, 'wait' as const) },
);

/** A subscription as a member. */
interface Member {
  readonly client: Client;
  readonly group: string;
  readonly pattern: string;
  subscription: Subscription | undefined;
  /** The broker knows it, on a connection that holds. */
  known: boolean;
  leaving: boolean;
}

/** What was published. */
interface Published {
  readonly number: number;
  /** The groups of which some member was known then. */
  readonly groups: ReadonlySet<string>;
}

const takes = (pattern: string, channel: string) => pattern !== 'jobs/a' || channel === 'jobs/a';

describe('a group', () => {
  it('gets each message exactly once while none of its members is lost, and at most once otherwise', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }),
        fc.integer({ min: 1, max: 1000 }),
        async (steps, seed) => {
          const network = memoryNetwork({ seed, latency: [0, 3] });
          await network.broker();
          const publisher = await network.client({ name: 'publisher' });
          const monitor = await network.client({ name: 'monitor' });
          const everything: number[] = [];
          await network.until(
            monitor.subscribe('jobs/**', ({ body }) => everything.push(Number.parseInt(String(body), 10))),
          );
          const clients: Client[] = [];
          const stalled = new Set<Client>();
          for (let n = 0; n < CLIENTS; n++) {
            clients.push(
              await network.client({
                name: `member-${n}`,
                heartbeat: false,
                reconnect: { minDelay: 10, maxDelay: 50 },
              }),
            );
          }
          const members: Member[] = [];
          const got = new Map<string, number[]>(GROUPS.map((group) => [group, []]));
          const published: Published[] = [];
          // Of each group: up to which message some may be lost with a connection.
          const excused = new Map<string, Set<number>>(GROUPS.map((group) => [group, new Set()]));

          const lost = (client: Client) => {
            for (const member of members) {
              if (member.client !== client) continue;
              member.known = false;
              const arrived = new Set(got.get(member.group));
              for (const { number } of published) if (!arrived.has(number)) excused.get(member.group)?.add(number);
            }
          };
          const refresh = () => {
            for (const member of members) {
              if (member.subscription !== undefined && !member.leaving && !stalled.has(member.client)) {
                member.known = member.client.state === 'connected';
              }
            }
          };
          for (const client of clients) client.on('state', (state) => state !== 'connected' && lost(client));

          for (const [at, one] of steps.entries()) {
            if (one === 'idle') await network.advance(10);
            else if (one === 'wait') await network.advance('1 s');
            else if (one === 'heal') {
              network.heal();
              stalled.clear();
              await network.advance(10);
            } else if ('join' in one) {
              const client = clients[one.join];
              if (client === undefined) continue;
              const member: Member = {
                client,
                group: one.group,
                pattern: one.pattern,
                subscription: undefined,
                known: false,
                leaving: false,
              };
              members.push(member);
              client
                .subscribe(one.pattern, ({ body }) => got.get(one.group)?.push(Number.parseInt(String(body), 10)), {
                  group: one.group,
                })
                .then(
                  (subscription) => {
                    member.subscription = subscription;
                    member.known = client.state === 'connected';
                  },
                  () => {},
                );
              await network.advance(20);
            } else if ('leave' in one) {
              const member = members[one.leave];
              if (member?.subscription === undefined || member.leaving) continue;
              // Else it may overtake what was published before, and that finds no member.
              await network.until(publisher.flush());
              member.leaving = true;
              member.known = false;
              void member.subscription.unsubscribe();
            } else if ('stall' in one) {
              const client = clients[one.stall];
              if (client === undefined) continue;
              stalled.add(client);
              network.stall(client);
            } else if ('cut' in one) {
              const client = clients[one.cut];
              if (client === undefined) continue;
              lost(client);
              network.cut(client, 'broker-1');
              await network.idle();
            } else {
              for (let n = 0; n < one.times; n++) {
                const number = published.length;
                const groups = new Set(
                  members
                    .filter(({ known, pattern }) => known && takes(pattern, one.publish))
                    .map(({ group }) => group),
                );
                published.push({ number, groups });
                await network.until(publisher.publish(one.publish, `${number} ${'x'.repeat(one.size)}`));
              }
              if (at % 2 === 0) await network.advance(10);
            }
            if (one === 'wait' || one === 'idle') {
              await network.advance('1 s');
              refresh();
            }
          }
          network.heal();
          await network.advance('5 s');

          expect(everything).toEqual(published.map(({ number }) => number));
          for (const group of GROUPS) {
            const numbers = got.get(group) ?? [];
            expect(new Set(numbers).size).toBe(numbers.length);
            const arrived = new Set(numbers);
            const missing = published
              .filter(({ number, groups }) => groups.has(group) && !arrived.has(number))
              .map(({ number }) => number)
              .filter((number) => excused.get(group)?.has(number) !== true);
            expect(missing).toEqual([]);
          }
          await network.close();
        },
      ),
      { numRuns: 100 },
    );
  });
});

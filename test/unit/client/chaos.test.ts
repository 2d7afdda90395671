// A client under random use on a connection that breaks and stalls at random: afterwards everything is in order.

import { setMaxListeners } from 'node:events';

import { describe, expect, it, jest } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { canonical, matches } from '../../../src/channels/index.js';
import type { Subscription } from '../../../src/client/index.js';
import type { SpokeError } from '../../../src/contracts/index.js';
import { memoryStage } from '../../support/stage.js';
import { refused } from '../../support/tap-transport.js';
import { within } from '../../support/within.js';

jest.setTimeout(60_000);

const PATTERNS = ['a/*', '/a//*', 'a/1', '**/1', 'b/**'];
const CHANNELS = ['a/1', 'a/2', 'b', 'b/1/1', 'c'];

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ subscribe: fc.constantFrom(...PATTERNS), abortAfter: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ unsubscribe: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ publish: fc.constantFrom(...CHANNELS), size: fc.constantFrom(1, 100_000) }) },
  { weight: 2, arbitrary: fc.constantFrom('call' as const, 'flush' as const, 'abort' as const) },
  { weight: 2, arbitrary: fc.constantFrom('cut' as const, 'refuse' as const, 'accept' as const) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('stall reading' as const, 'stall writing' as const, 'go on' as const),
  },
  { weight: 5, arbitrary: fc.constantFrom('rest' as const, 'wait' as const) },
);

interface Handled {
  readonly pattern: string;
  readonly bodies: unknown[];
  subscription?: Subscription;
}

/** One signal for as much as a test likes. */
function newAbort(): AbortController {
  const abort = new AbortController();
  setMaxListeners(0, abort.signal);
  return abort;
}

describe('a client', () => {
  it('is in order again after any mishap: what it subscribed to, what it waits for, what it left behind', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 50, size: 'max' }), async (steps) => {
        const { stage, clock } = memoryStage();
        const broker = await stage.broker();
        const other = await stage.client();
        await other.provide('echo', (value: unknown) => value);
        const { client, tap } = await stage.join();
        const handled: Handled[] = [];
        const outcomes: { what: string; settled: Promise<unknown>; result?: unknown }[] = [];
        let abort = newAbort();

        const expectSoon = (what: string, promise: Promise<unknown>): void => {
          const outcome: (typeof outcomes)[number] = {
            what,
            settled: promise.then(
              () => undefined,
              () => undefined,
            ),
          };
          promise.then(
            () => (outcome.result = 'done'),
            (error: SpokeError) => (outcome.result = error.code),
          );
          outcomes.push(outcome);
        };
        const subscribe = (pattern: string, signal: AbortSignal): void => {
          const one: Handled = { pattern: canonical(pattern), bodies: [] };
          handled.push(one);
          const subscribing = client.subscribe(
            pattern,
            (message) => {
              if (one.subscription?.ended) throw new Error('called after its end');
              one.bodies.push(message.body);
            },
            { signal },
          );
          expectSoon(
            'subscribe',
            subscribing.then((subscription) => (one.subscription = subscription)),
          );
        };

        for (const [n, one] of steps.entries()) {
          const connection = tap.connections.at(-1);
          if (one === 'cut') connection?.cut();
          else if (one === 'refuse') tap.refuse = refused();
          else if (one === 'accept') tap.refuse = undefined;
          else if (one === 'stall reading') connection?.stallReading();
          else if (one === 'stall writing') connection?.stallWriting();
          else if (one === 'go on') {
            connection?.goOnReading();
            connection?.goOnWriting();
          } else if (one === 'rest') await clock.idle();
          else if (one === 'wait') await clock.advance(60);
          else if (one === 'flush') expectSoon('flush', client.flush({ signal: abort.signal }));
          else if (one === 'call')
            expectSoon('call', client.call('echo', n, { timeout: 10_000, signal: abort.signal }));
          else if (one === 'abort') {
            abort.abort();
            abort = newAbort();
          } else if ('subscribe' in one) {
            const own = new AbortController();
            subscribe(one.subscribe, one.abortAfter ? own.signal : abort.signal);
            if (one.abortAfter) clock.defer(() => own.abort());
          } else if ('unsubscribe' in one) void handled[one.unsubscribe]?.subscription?.unsubscribe();
          else expectSoon('publish', client.publish(one.publish, 'x'.repeat(one.size), { signal: abort.signal }));
        }

        tap.refuse = undefined;
        tap.connections.at(-1)?.goOnReading();
        tap.connections.at(-1)?.goOnWriting();
        await clock.advance(1000);
        await within(client.flush(), 'the last flush', 1000);
        for (const { what, settled } of outcomes) await within(settled, `the end of a ${what}`, 300);
        const allowed = new Set(['done', 'ABORTED', 'CONNECTION_LOST']);
        for (const { what, result } of outcomes) {
          if (!allowed.has(String(result))) throw new Error(`${what} came to ${String(result)}`);
          if (what !== 'call' && result === 'CONNECTION_LOST')
            throw new Error(`${what} does not outlive its connection`);
        }

        const active = handled.filter(({ subscription }) => subscription !== undefined && !subscription.ended);
        // Beside the two of the other client's procedure (its calls, and what callers say of them), and the answers to this
        // one's calls.
        const calls = steps.includes('call') ? 1 : 0;
        expect(broker.stats.subscriptions).toBe(new Set(active.map(({ pattern }) => pattern)).size + 2 + calls);
        for (const one of handled) one.bodies.length = 0;
        for (const channel of CHANNELS) await other.publish(channel, channel);
        await other.flush();
        await client.flush();
        for (const one of handled) {
          const expected = active.includes(one) ? CHANNELS.filter((channel) => matches(one.pattern, channel)) : [];
          expect(one.bodies).toEqual(expected);
        }
        await stage.close();
      }),
      { numRuns: 100, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: false },
    );
  });
});

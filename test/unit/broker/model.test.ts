// The broker against a model of a few lines, under random use: who gets what, in what order, also when readers stall.

import { describe, expect, it, jest } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { canonical, matches } from '../../../src/channels/index.js';
import { MemoryTransport } from '../../../src/transports/index.js';
import type { RawConnection, WireMessage } from '../../support/raw-connection.js';
import { memoryStage } from '../../support/stage.js';
import { VirtualClock } from '../../support/virtual-clock.js';

jest.setTimeout(60_000);

const CONNECTIONS = 3;
const connection = fc.nat(CONNECTIONS - 1);
const pattern = fc.constantFrom(
  '**',
  '*',
  'a/*',
  'a/b',
  '/a//**/',
  '*/**',
  'kept/**',
  'kept/1',
  '-control/*',
  'a/**/*',
);
const channel = fc.constantFrom('a', 'a/b', 'a/c', 'b', '', 'a/*', 'kept/1', 'kept/2', 'kept/2/x');
const subscribe = fc.record({ do: fc.constant('subscribe' as const), by: connection, pattern, bounce: fc.boolean() });
const unsubscribe = fc.record({
  do: fc.constant('unsubscribe' as const),
  by: connection,
  pattern,
  bounce: fc.boolean(),
});
const publish = fc.record({
  do: fc.constant('publish' as const),
  by: connection,
  channel,
  persist: fc.boolean(),
  bounce: fc.boolean(),
  time: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
});

interface Kept {
  readonly time: number;
  readonly body: unknown;
}

/** What a broker does, said as simply as possible. */
class Model {
  readonly patterns = Array.from({ length: CONNECTIONS }, () => new Set<string>());
  readonly received = Array.from({ length: CONNECTIONS }, (): [string, unknown][] => []);
  readonly kept = new Map<string, Kept>();

  route(by: number, on: string, body: unknown, bounce: boolean): void {
    for (const [index, patterns] of this.patterns.entries()) {
      if (index === by && !bounce) continue;
      if ([...patterns].some((one) => matches(one, on))) this.received[index]?.push([on, body]);
    }
  }

  subscribe(by: number, text: string, bounce: boolean): void {
    this.patterns[by]?.add(canonical(text));
    for (const [on, { body }] of this.kept) if (matches(canonical(text), on)) this.received[by]?.push([on, body]);
    this.route(by, '-control/subscribe', text, bounce);
  }

  unsubscribe(by: number, text: string, bounce: boolean): void {
    this.patterns[by]?.delete(canonical(text));
    this.route(by, '-control/unsubscribe', text, bounce);
  }

  publish(
    by: number,
    text: string,
    body: unknown,
    head: { persist: boolean; bounce: boolean; time?: number | undefined },
  ): void {
    const on = canonical(text);
    if (head.persist) {
      const before = this.kept.get(on)?.time ?? -Infinity;
      if (head.time !== undefined && head.time <= before) return;
      // Without a time it is later than anything.
      this.kept.set(on, { time: head.time ?? Math.max(1e9, before + 1), body });
    }
    this.route(by, on, body, head.bounce);
  }
}

describe('the broker', () => {
  it('does what the model does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(subscribe, unsubscribe, publish), { maxLength: 60, size: 'max' }),
        async (steps) => {
          const { stage, clock } = memoryStage();
          await stage.broker();
          const raws: RawConnection[] = [];
          for (let n = 0; n < CONNECTIONS; n++) raws.push(await stage.raw());
          const model = new Model();
          for (const [n, step] of steps.entries()) {
            const raw = raws[step.by];
            if (step.do === 'publish') {
              const { persist, bounce, time } = step;
              raw?.publish(step.channel, String(n), { persist, bounce, ...(time !== undefined && { time }) });
              model.publish(step.by, step.channel, n, step);
            } else {
              raw?.publish(`-control/${step.do}`, JSON.stringify(step.pattern), { bounce: step.bounce });
              model[step.do](step.by, step.pattern, step.bounce);
            }
            await clock.idle();
          }
          for (const [index, raw] of raws.entries()) {
            const received = raw.frames.items.map((frame): WireMessage => JSON.parse(frame));
            expect(received.map(({ head, body }) => [head.channel, body])).toEqual(model.received[index]);
          }
          await stage.close();
        },
      ),
      { numRuns: 150 },
    );
  });

  it('keeps its promises to readers that stall: nothing lost, nothing older after newer, the newest last', async () => {
    const stall = fc.record({ do: fc.constantFrom('stall' as const, 'go on' as const), by: connection });
    const rest = fc.constant({ do: 'rest' as const, by: 0 });
    const step = fc.oneof(
      { weight: 3, arbitrary: subscribe },
      { weight: 1, arbitrary: unsubscribe },
      { weight: 8, arbitrary: publish },
      { weight: 3, arbitrary: stall },
      { weight: 2, arbitrary: rest },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
        const clock = new VirtualClock();
        // Nearly every message blocks a reader that stalls.
        const { stage } = memoryStage({
          clock,
          transport: new MemoryTransport({ clock, highWaterMark: 100, scribble: true }),
        });
        const broker = await stage.broker();
        const raws: RawConnection[] = [];
        for (let n = 0; n < CONNECTIONS; n++) raws.push(await stage.raw());
        // Publishers never stall, so that what is published takes effect in this order.
        const hands: RawConnection[] = [];
        for (let n = 0; n < CONNECTIONS; n++) hands.push(await stage.raw());
        const model = new Model();
        for (const [n, one] of steps.entries()) {
          const raw = raws[one.by];
          if (one.do === 'stall') raw?.connection.pause();
          else if (one.do === 'go on') raw?.connection.resume();
          else if (one.do === 'publish') {
            // Persistent ones have channels of their own: a passing message says nothing about what is kept.
            const on = one.persist ? 'kept/1' : one.channel.replace('kept', 'passing');
            hands[one.by]?.publish(on, String(n), { persist: one.persist });
            await clock.idle();
            model.publish(-1, on, n, { persist: one.persist, bounce: true });
          } else if (one.do === 'subscribe' || one.do === 'unsubscribe') {
            raw?.publish(`-control/${one.do}`, JSON.stringify(one.pattern), { bounce: false });
            await clock.idle();
            model[one.do](one.by, one.pattern, false);
          }
          if (one.do === 'rest') await clock.idle();
        }
        for (const raw of raws) raw.connection.resume();
        await clock.idle();
        for (const [index, raw] of raws.entries()) {
          const received = raw.frames.items.map((frame): WireMessage => JSON.parse(frame));
          const passing = ([on]: readonly [string, unknown]) => !on.startsWith('kept');
          const all = received.map(({ head, body }): [string, unknown] => [head.channel, body]);
          expect(all.filter(passing)).toEqual(model.received[index]?.filter(passing));
          const kept = all.filter((one) => !passing(one)).map(([, body]) => Number(body));
          expect(kept).toEqual([...kept].sort((a, b) => a - b));
          const isSubscribed = [...(model.patterns[index] ?? [])].some((one) => matches(one, 'kept/1'));
          if (isSubscribed) expect(kept.at(-1)).toBe(model.kept.get('kept/1')?.body);
        }
        expect(broker.stats.outboundBytes).toBe(0);
        await stage.close();
      }),
      { numRuns: 150 },
    );
  });
});

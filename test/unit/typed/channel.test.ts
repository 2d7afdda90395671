// Publishing, subscribing and keeping by contract: what arrives, and who is told of what does not fit.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type as arktype } from 'arktype';
import * as v from 'valibot';
import * as z from 'zod';

import type { StandardSchema, TypedMessage } from '../../../src/typed/index.js';
import { channel, issuesOf, typed, unchecked } from '../../../src/typed/index.js';
import type { Stage, StagedClient } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
let a: StagedClient;
let b: StagedClient;
beforeEach(async () => {
  ({ stage, clock } = memoryStage());
  await stage.broker();
  a = await stage.join();
  b = await stage.join();
});
afterEach(async () => stage.close());

const Pose = z.object({ x: z.number(), y: z.number() });
const pose = channel('robots/:id/pose', Pose);

/** Bodies and parameters, as they came. */
function collect<P, B>() {
  const seen: [P, B][] = [];
  return { seen, add: ({ params, body }: TypedMessage<P, B>) => void seen.push([params, body]) };
}

/** A promise that must be rejected. */
async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => new Error('it was not rejected'),
    (error: unknown) => error,
  );
}

describe('a subscription by contract', () => {
  it('hands over body and parameters', async () => {
    const { seen, add } = collect();
    await a.client.subscribe(pose, add);
    await b.client.publish(pose({ id: 'r2' }), { x: 1, y: 2 });
    await b.client.publish(pose({ id: 3 }), { x: 3, y: 4 });
    await clock.idle();
    expect(seen).toEqual([
      [{ id: 'r2' }, { x: 1, y: 2 }],
      [{ id: '3' }, { x: 3, y: 4 }],
    ]);
  });

  it('is to one channel, or to those with some parameters, when it says so', async () => {
    const joint = channel('robots/:id/joints/:joint', z.number());
    const [one, some] = [collect(), collect()];
    await a.client.subscribe(joint({ id: 'r2', joint: 1 }), one.add);
    await a.client.subscribe(joint.where({ id: 'r2' }), some.add);
    for (const [id, number] of [
      ['r2', 1],
      ['r2', 2],
      ['r3', 1],
    ] as const)
      await b.client.publish(joint({ id, joint: number }), number);
    await clock.idle();
    expect(one.seen).toEqual([[{ id: 'r2', joint: '1' }, 1]]);
    expect(some.seen).toEqual([
      [{ id: 'r2', joint: '1' }, 1],
      [{ id: 'r2', joint: '2' }, 2],
    ]);
  });

  it('leaves out what does not fit, and says so as an error of the client', async () => {
    const { seen, add } = collect();
    await a.client.subscribe(pose, add);
    await b.client.publish('robots/r2/pose', { x: '1', y: 2 });
    await b.client.publish('robots/r2/pose', { x: 1, y: 2 });
    await clock.idle();
    expect(seen).toEqual([[{ id: 'r2' }, { x: 1, y: 2 }]]);
    const [error] = await a.errors.take(1);
    expect(error).toMatchObject({ code: 'VALIDATION', details: { where: 'robots/r2/pose', what: 'body' } });
    expect(error?.message).toMatch(/^robots\/r2\/pose: the body does not fit the contract: x: /);
    expect(issuesOf(error)).toEqual([{ path: ['x'], message: expect.any(String) }]);
    expect(b.errors.items).toEqual([]);
  });

  it('is an async iterator as well, of messages that fit', async () => {
    const subscription = await a.client.subscribe(pose);
    await b.client.publish('robots/r2/pose', 'nonsense');
    await b.client.publish(pose({ id: 'r2' }), { x: 1, y: 2 });
    for await (const { params, body, channel: from } of subscription) {
      expect([params.id, body, from]).toEqual(['r2', { x: 1, y: 2 }, 'robots/r2/pose']);
      break;
    }
    expect(await a.errors.take(1)).toMatchObject([{ code: 'VALIDATION' }]);
    expect(subscription.missed).toBe(0);
    await subscription.unsubscribe();
    expect(subscription.ended).toBe(true);
  });

  it('can be read without subscribing first, until the loop is left', async () => {
    const bodies: unknown[] = [];
    const reading = (async () => {
      for await (const { body } of a.client.messages(pose)) if (bodies.push(body) === 2) return;
    })();
    await clock.idle();
    for (const x of [1, 2, 3]) await b.client.publish(pose({ id: 'r2' }), { x, y: 0 });
    await reading;
    expect(bodies).toEqual([
      { x: 1, y: 0 },
      { x: 2, y: 0 },
    ]);
  });

  it('passes on what else is known of a message', async () => {
    const seen: unknown[] = [];
    await b.client.publish(pose({ id: 'r2' }), { x: 1, y: 2 }, { persist: true, head: { from: 'b' } });
    await a.client.subscribe(pose, ({ kept, persist, time, head }) => seen.push({ kept, persist, time, head }));
    await clock.idle();
    expect(seen).toMatchObject([{ kept: true, persist: true, time: expect.any(Number), head: { from: 'b' } }]);
  });

  it('reports a handler that throws, as any other', async () => {
    await a.client.subscribe(pose, async () => {
      throw new Error('oh');
    });
    await b.client.publish(pose({ id: 'r2' }), { x: 1, y: 2 });
    expect(await a.errors.take(1)).toMatchObject([{ code: 'HANDLER_FAILED', message: expect.stringMatching(/oh$/) }]);
  });

  it('needs a function as its handler', async () => {
    await expect(a.client.subscribe(pose, 5 as never)).rejects.toThrow(TypeError);
  });

  it('understands messages of those who know no contracts, and the other way round', async () => {
    const [known, unknown]: unknown[][] = [[], []];
    await a.client.subscribe(pose, ({ body }) => known?.push(body));
    await b.client.subscribe('robots/*/pose', ({ body }) => unknown?.push(body));
    await b.client.publish('robots/r2/pose', { x: 1, y: 2 });
    await a.client.publish(pose({ id: 'r3' }), { x: 3, y: 4 });
    await clock.idle();
    expect(known).toEqual([
      { x: 1, y: 2 },
      { x: 3, y: 4 },
    ]);
    expect(unknown).toEqual(known);
  });
});

describe('publishing by contract', () => {
  it('refuses a body that does not fit, and sends nothing', async () => {
    const seen: unknown[] = [];
    await b.client.subscribe('**', ({ channel: name }) => seen.push(name), { bounce: false });
    const error = await errorOf(a.client.publish(pose({ id: 'r2' }), { x: 1, y: 'two' } as never));
    expect(error).toMatchObject({ code: 'VALIDATION', retryable: false });
    expect(issuesOf(error)).toEqual([{ path: ['y'], message: expect.any(String) }]);
    await a.client.flush();
    expect(seen.filter((name) => name === 'robots/r2/pose')).toEqual([]);
    expect(a.errors.items).toEqual([]);
  });

  it('sends what was given: what a schema makes of it, each receiver makes', async () => {
    const count = channel('count', z.string().transform(Number));
    const [read, wire]: unknown[][] = [[], []];
    await b.client.subscribe(count, ({ body }) => read?.push(body));
    await b.client.subscribe('count', ({ body }) => wire?.push(body));
    await a.client.publish(count, '5');
    await clock.idle();
    expect(read).toEqual([5]);
    expect(wire).toEqual(['5']);
  });

  it('is persistent when the contract says so, unless it is told otherwise', async () => {
    const mode = channel('mode', z.string(), { persist: true });
    await a.client.publish(mode, 'auto');
    expect(await b.client.kept.get(mode)).toMatchObject({ body: 'auto' });
    await a.client.publish(mode, 'manual', { persist: false });
    expect(await b.client.kept.get(mode)).toMatchObject({ body: 'auto' });
  });

  it('without a schema, or with an unchecked one, takes anything', async () => {
    const seen: unknown[] = [];
    const [raw, hoped] = [channel('raw'), channel('hoped', unchecked<number>())];
    await b.client.subscribe(raw, ({ body }) => seen.push(body));
    await b.client.subscribe(hoped, ({ body }) => seen.push(body));
    await a.client.publish(raw, { any: 'thing' });
    await a.client.publish('hoped', 'no number');
    await clock.idle();
    expect(seen).toEqual([{ any: 'thing' }, 'no number']);
  });

  it('names only some of many mistakes, and keeps them all', async () => {
    const five = channel('five', z.array(z.number()));
    const error = await errorOf(a.client.publish(five, ['a', 'b', 'c', 'd', 'e'] as never));
    expect(String(error)).toMatch(/0: .*; 1: .*; 2: .*; and 2 more$/);
    expect(issuesOf(error)).toHaveLength(5);
  });
});

describe.each<[string, StandardSchema<{ name: string; size: number }>]>([
  ['zod', z.object({ name: z.string(), size: z.number().min(1) })],
  ['valibot', v.object({ name: v.string(), size: v.pipe(v.number(), v.minValue(1)) })],
  ['arktype', arktype({ name: 'string', size: 'number >= 1' })],
])('a schema of %s', (_, schema) => {
  const things = channel('things/:kind', schema);

  it('holds on either side, and says where the mistake is', async () => {
    const { seen, add } = collect();
    await a.client.subscribe(things, add);
    await b.client.publish(things({ kind: 'box' }), { name: 'red', size: 1 });
    const sent = await errorOf(b.client.publish(things({ kind: 'box' }), { name: 'red', size: 0 }));
    await b.client.publish('things/box', { name: 5, size: 1 });
    await clock.idle();
    expect(seen).toEqual([[{ kind: 'box' }, { name: 'red', size: 1 }]]);
    expect(issuesOf(sent)).toEqual([{ path: ['size'], message: expect.any(String) }]);
    const [received] = await a.errors.take(1);
    expect(issuesOf(received)).toEqual([{ path: ['name'], message: expect.any(String) }]);
  });
});

describe('a schema', () => {
  it('that has nothing to say but undefined gets it for the null of the wire', async () => {
    const ping = channel('ping', z.undefined());
    const seen: unknown[] = [];
    await a.client.subscribe(ping, ({ body }) => seen.push(body));
    await b.client.publish(ping, undefined);
    await clock.idle();
    expect(seen).toEqual([undefined]);
    expect(a.errors.items).toEqual([]);
  });

  it('that is asynchronous is a TypeError to the publisher, and an error of a subscriber', async () => {
    const slow = channel(
      'slow',
      z.string().refine(async () => true),
    );
    await expect(b.client.publish(slow, 'x')).rejects.toThrow(/asynchronous/);
    const { seen, add } = collect();
    await a.client.subscribe(slow, add);
    await b.client.publish('slow', 'x');
    expect(await a.errors.take(1)).toMatchObject([{ code: 'VALIDATION', cause: expect.any(TypeError) }]);
    expect(seen).toEqual([]);
  });

  it('that throws loses one message, and no more', async () => {
    const odd: StandardSchema<string> = {
      '~standard': {
        version: 1,
        vendor: 'odd',
        validate(value) {
          if (value === 'bad') throw new RangeError('odd');
          return { value: String(value) };
        },
      },
    };
    const { seen, add } = collect();
    await a.client.subscribe(channel('odd', odd), add);
    await b.client.publish('odd', 'bad');
    await b.client.publish('odd', 'good');
    await clock.idle();
    expect(seen).toEqual([[{}, 'good']]);
    expect(await a.errors.take(1)).toMatchObject([{ code: 'VALIDATION', message: expect.stringMatching(/odd$/) }]);
  });

  it('has to be one', () => {
    expect(() => channel('x', { type: 'object' } as never)).toThrow(TypeError);
  });
});

describe('what is kept by contract', () => {
  it('is set, found, listed and cleared', async () => {
    await a.client.kept.set(pose({ id: 'r2' }), { x: 1, y: 2 });
    await a.client.kept.set(pose({ id: 'r3' }), { x: 3, y: 4 });
    await a.client.kept.set('robots/r2/name', 'R2');
    expect(await b.client.kept.get(pose({ id: 'r2' }))).toMatchObject({ body: { x: 1, y: 2 }, params: { id: 'r2' } });
    expect(await b.client.kept.get(pose({ id: 'r9' }))).toBeUndefined();
    const ids: string[] = [];
    for await (const { params } of b.client.kept.list(pose)) ids.push(params.id);
    expect(ids).toEqual(['r2', 'r3']);
    expect(await b.client.kept.clear(pose.where({}))).toBe(2);
    expect(await b.client.kept.get('robots/r2/name')).toMatchObject({ body: 'R2' });
  });

  it('must fit, on its way in and out', async () => {
    await expect(a.client.kept.set(pose({ id: 'r2' }), {} as never)).rejects.toMatchObject({ code: 'VALIDATION' });
    await a.client.kept.set('robots/r2/pose', 'nonsense');
    await expect(b.client.kept.get(pose({ id: 'r2' }))).rejects.toMatchObject({ code: 'VALIDATION' });
  });
});

describe('a client that takes no contracts', () => {
  it('does with `typed`, as in pages', async () => {
    const [one, other] = [typed(a.client), typed(b.client)];
    const { seen, add } = collect();
    await one.subscribe(pose, add);
    await other.publish(pose({ id: 'r2' }), { x: 1, y: 2 });
    await expect(other.publish(pose({ id: 'r2' }), { x: 1 } as never)).rejects.toMatchObject({ code: 'VALIDATION' });
    await clock.idle();
    expect(seen).toEqual([[{ id: 'r2' }, { x: 1, y: 2 }]]);
  });
});

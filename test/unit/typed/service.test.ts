// Services by contract: calls, and who is told of what does not fit.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as v from 'valibot';
import * as z from 'zod';

import type { Broker } from '../../../src/broker/index.js';
import { failure, failureOf, issuesOf, method, service, stream, typed, unchecked } from '../../../src/typed/index.js';
import type { Stage, StagedClient } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
let broker: Broker;
let provider: StagedClient;
let caller: StagedClient;
beforeEach(async () => {
  ({ stage, clock } = memoryStage());
  broker = await stage.broker();
  provider = await stage.join();
  caller = await stage.join();
});
afterEach(async () => stage.close());

const math = service('math', {
  square: method(z.number(), z.number()),
  parse: method(z.object({ text: z.string(), radix: z.number().default(10) }), z.object({ value: z.number() })),
  reset: method(),
});
const handlers = {
  square: (x: number) => x * x,
  parse: ({ text, radix }: { text: string; radix: number }) => ({ value: Number.parseInt(text, radix) }),
  reset: () => {},
};

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => new Error('it was not rejected'),
    (error: unknown) => error,
  );
}

describe('a service', () => {
  it('is called by its methods', async () => {
    const { name } = await provider.client.provide(math, handlers);
    expect(name).toBe('math');
    expect(await caller.client.use(math).square(3)).toBe(9);
    expect(await caller.client.use(math).parse({ text: '12' })).toEqual({ value: 12 });
    expect(await caller.client.use(math).parse({ text: 'ff', radix: 16 }, { timeout: 1000 })).toEqual({ value: 255 });
    expect(await caller.client.use(math).reset()).toBeNull();
  });

  it('has a name for each robot when it has a parameter', async () => {
    const arm = service('robots/:id/arm', { grip: method(z.number(), z.string()) });
    await provider.client.provide(arm({ id: 'r2' }), { grip: (force) => `r2: ${force}` });
    await provider.client.provide(arm({ id: 'r3' }), { grip: (force) => `r3: ${force}` });
    expect(await caller.client.use(arm({ id: 'r3' })).grip(1)).toBe('r3: 1');
    expect(await caller.client.call('robots/r2/arm/grip', 2)).toBe('r2: 2');
    expect(() => arm({ id: 'a/b' })).toThrow(TypeError);
  });

  it('is called by, and calls, those who know no contracts', async () => {
    await provider.client.provide(math, handlers);
    expect(await caller.client.call('math/square', 5)).toBe(25);
    const trigonometry = service('trigonometry', { cos: method(z.number(), z.number()) });
    await provider.client.provide('trigonometry/cos', Math.cos);
    expect(await caller.client.use(trigonometry).cos(0)).toBe(1);
  });

  it('may be an object of a class', async () => {
    class Counter {
      #count = 0;
      next(step: number): number {
        return (this.#count += step);
      }
    }
    const counter = service('counter', { next: method(v.number(), v.number()) });
    await provider.client.provide(counter, new Counter());
    await caller.client.use(counter).next(2);
    expect(await caller.client.use(counter).next(3)).toBe(5);
  });

  it('is provided as a whole, and no more when it is closed', async () => {
    const before = broker.stats.subscriptions;
    const providing = await provider.client.provide(math, handlers);
    expect(broker.stats.subscriptions).toBeGreaterThanOrEqual(before + 3);
    await providing.close();
    await clock.idle();
    expect(broker.stats.subscriptions).toBe(before);
  });

  it('with a method that nobody wrote is not provided at all', async () => {
    await expect(provider.client.provide(math, { square: handlers.square } as never)).rejects.toThrow(
      /no function for parse/,
    );
    await clock.idle();
    expect(broker.stats.subscriptions).toBe(0);
  });

  it('is not provided at all when the broker refuses one of its methods', async () => {
    const guarded = await stage.broker({
      listen: 'memory://guarded',
      authorizer: { allows: (_, __, target) => !target.startsWith('math/parse') },
    });
    const { client } = await stage.join({ url: 'memory://guarded' });
    await expect(client.provide(math, handlers)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await clock.idle();
    expect(guarded.stats.subscriptions).toBe(0);
  });

  it('fails as its procedure fails', async () => {
    await provider.client.provide(math, {
      ...handlers,
      square: () => {
        throw new Error('out of squares');
      },
    });
    await expect(caller.client.use(math).square(3)).rejects.toMatchObject({ message: 'out of squares' });
  });
});

describe('an argument that does not fit', () => {
  it('is refused before it is sent', async () => {
    const seen: unknown[] = [];
    await provider.client.provide('math/square', (x: unknown) => void seen.push(x));
    const error = await errorOf(caller.client.use(math).square('3' as never));
    expect(error).toMatchObject({ code: 'VALIDATION', details: { where: 'math/square', what: 'argument' } });
    expect(issuesOf(error)).toEqual([{ path: [], message: expect.any(String) }]);
    await caller.client.flush();
    expect(seen).toEqual([]);
  });

  it('does not reach the procedure of a provider that has the contract', async () => {
    const seen: unknown[] = [];
    await provider.client.provide(math, { ...handlers, square: (x) => seen.push(x) });
    const error = await errorOf(caller.client.call('math/square', '3'));
    expect(error).toMatchObject({ code: 'VALIDATION', message: expect.stringMatching(/^math\/square: the argument/) });
    expect(issuesOf(error)).toEqual([{ path: [], message: expect.any(String) }]);
    expect(seen).toEqual([]);
    expect(provider.errors.items).toEqual([]);
  });
});

describe('a result that does not fit', () => {
  it('is an error of the provider, and the caller learns that there is none', async () => {
    await provider.client.provide(math, { ...handlers, square: () => 'nine' as never });
    const error = await errorOf(caller.client.call('math/square', 3));
    expect(error).toMatchObject({ code: 'REPLY_MALFORMED', message: expect.stringMatching(/result does not fit/) });
    const [reported] = await provider.errors.take(1);
    expect(reported).toMatchObject({ code: 'VALIDATION', details: { where: 'math/square', what: 'result' } });
    expect(issuesOf(reported)).toHaveLength(1);
  });

  it('of a provider without the contract is a malformed reply', async () => {
    await provider.client.provide('math/square', () => 'nine');
    const error = await errorOf(caller.client.use(math).square(3));
    expect(error).toMatchObject({ code: 'REPLY_MALFORMED', details: { where: 'math/square', what: 'result' } });
    expect(issuesOf(error)).toHaveLength(1);
  });
});

describe('a contract', () => {
  it.each([[''], ['*'], ['a/**'], ['then'], ['a//b']])('has no method called %p', (name) => {
    expect(() => service('x', { [name]: method() })).toThrow(TypeError);
  });

  it('needs a name, methods and schemas', () => {
    expect(() => service('', { a: method() })).toThrow(TypeError);
    expect(() => service('*', { a: method() })).toThrow(TypeError);
    expect(() => service('x', { a: () => 1 } as never)).toThrow(/is no contract/);
    expect(() => method({} as never)).toThrow(TypeError);
  });

  it('that nothing checks is a type and no more', async () => {
    const hoped = service('hoped', { double: method<number, number>(), any: method(unchecked<string>()) });
    await provider.client.provide(hoped, { double: (x) => x * 2, any: (text) => text });
    expect(await caller.client.use(hoped).double('x' as never)).toBeNull();
    expect(await caller.client.use(hoped).any('y')).toBe('y');
  });
});

it('pages have services by `typed`', async () => {
  await typed(provider.client).provide(math, handlers);
  expect(await typed(caller.client).use(math).square(4)).toBe(16);
});

describe('a procedure that declares errors', () => {
  const division = service('division', {
    divide: method(z.tuple([z.number(), z.number()]), z.number(), {
      errors: { ZERO: z.object({ dividend: z.number() }) },
    }),
  });
  const { divide } = division.methods;

  it('has its caller tell them apart, with their data', async () => {
    await provider.client.provide(division, {
      divide: ([a, b]) => {
        if (b === 0) throw failure(divide, 'ZERO', 'by zero', { dividend: a });
        if (b < 0) throw new Error('another');
        return a / b;
      },
    });
    const zero = await errorOf(caller.client.use(division).divide([1, 0]));
    expect(failureOf(divide, zero)).toEqual({ code: 'ZERO', message: 'by zero', data: { dividend: 1 } });
    expect(failureOf(divide, await errorOf(caller.client.use(division).divide([1, -1])))).toBeUndefined();
    expect(failureOf(divide, await errorOf(caller.client.use(division).divide([1] as never)))).toBeUndefined();
  });

  it('throws none but with data that fit', () => {
    expect(() => failure(divide, 'ZERO', 'by zero', {} as never)).toThrow(/does not fit/);
    expect(() => failure(divide, 'ONE' as 'ZERO', 'by one', { dividend: 1 })).toThrow(TypeError);
  });
});

describe('a stream by contract', () => {
  const counting = service('counting', { to: stream(z.number(), z.number()) });

  it('is read item by item', async () => {
    await provider.client.provide(counting, {
      async *to(end) {
        for (let n = 1; n <= end; n++) yield n;
      },
    });
    const seen: number[] = [];
    for await (const n of caller.client.use(counting).to(3)) seen.push(n);
    expect(seen).toEqual([1, 2, 3]);
  });

  it('ends with an error at an item that does not fit', async () => {
    await provider.client.provide(counting, {
      async *to() {
        yield 1;
        yield 'two' as never;
      },
    });
    const seen: number[] = [];
    const reading = (async () => {
      for await (const n of caller.client.use(counting).to(3)) seen.push(n);
    })();
    expect(await errorOf(reading)).toMatchObject({ code: 'REPLY_MALFORMED' });
    expect(seen).toEqual([1]);
    expect(await provider.errors.take(1)).toMatchObject([{ code: 'VALIDATION', details: { what: 'item' } }]);
  });

  it('takes no argument that does not fit', async () => {
    const reading = caller.client
      .use(counting)
      .to('3' as never)
      .next();
    expect(await errorOf(reading)).toMatchObject({ code: 'VALIDATION' });
  });
});

it('a procedure by contract knows who calls, and whether that still waits', async () => {
  const seen: unknown[] = [];
  await provider.client.provide(math, {
    ...handlers,
    square: (x, { procedure, signal }) => {
      seen.push([procedure, signal.aborted]);
      return x;
    },
  });
  await caller.client.use(math).square(3);
  expect(seen).toEqual([['math/square', false]]);
});

// Providers and subscribers as classes and as functions, in a container.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Container } from 'inversify';
import { inject, injectable } from 'inversify';
import type { Message, SpokeOptions, TypedMessage } from 'spoke';
import {
  Broker,
  channel,
  Client,
  createContainer,
  Handlers,
  method as contract,
  providerOf,
  RpcService,
  service,
  subscriberOf,
  TOKENS,
} from 'spoke';
import { method, provider, subscriber } from 'spoke/decorators';
import { memoryNetwork } from 'spoke/testing';
import { Collector } from '../../support/collector.js';
import { within } from '../../support/within.js';
import * as z from 'zod';

const HOME: SpokeOptions = { listen: 'memory://home', url: 'memory://home', timeout: 5000 };

class Tables {
  readonly root = Math.sqrt;
}

@provider('math')
@injectable()
class Calculator {
  constructor(@inject(Tables) private readonly tables: Tables) {}

  @method()
  square(x: number): number {
    return x * x;
  }

  @method('root')
  async squareRoot(x: number): Promise<number> {
    return this.tables.root(x);
  }

  @method()
  fail(): never {
    throw new Error('not today');
  }
}

class Thermometer {
  readonly heard = new Collector<[string, unknown]>();

  @subscriber('sensors/*/temp')
  @subscriber('ovens/**')
  warm({ channel, body }: Message<number>): void {
    this.heard.add([channel, body]);
  }
}

let container: Container;
let caller: Client;

/** A container with a broker, and a client of another program. */
async function compose(options: Partial<SpokeOptions> = {}): Promise<void> {
  container = createContainer({ ...HOME, ...options });
  await container.getAsync(Broker);
  caller = new Client({ url: 'memory://home', transports: container.getAll(TOKENS.Transport) });
  await caller.connect({ timeout: 5000 });
  container.bind(Tables).toSelf();
}

beforeEach(async () => compose());
afterEach(async () => {
  await caller.close();
  await container.unbindAllAsync();
});

describe('a class with @provider', () => {
  beforeEach(() => void container.bind(TOKENS.Handler).to(Calculator));

  it('is made with its own dependencies and answers calls once the handlers were asked for', async () => {
    const handlers = await container.getAsync(Handlers);
    expect(handlers.providers.toSorted()).toEqual(['math/fail', 'math/root', 'math/square']);
    expect(await caller.call('math/square', 7)).toBe(49);
    expect(await caller.call('math/root', 49)).toBe(7);
    await expect(caller.call('math/fail')).rejects.toThrow('not today');
  });

  it('is started once, however often it is asked for', async () => {
    const [one, other] = await Promise.all([container.getAsync(Handlers), container.getAsync(Handlers)]);
    expect(other).toBe(one);
    expect(container.get(Handlers)).toBe(one);
  });

  it('gives its name to classes that are made from it, and their methods stand for its own', async () => {
    class Exact extends Calculator {
      override square(x: number): number {
        return x ** 2 + 0.5;
      }
    }
    container.rebind(TOKENS.Handler).toConstantValue(new Exact(new Tables()));
    await container.getAsync(Handlers);
    expect(await caller.call('math/square', 2)).toBe(4.5);
    expect(await caller.call('math/root', 4)).toBe(2);
  });
});

describe('a method with @subscriber', () => {
  it('gets the messages of its patterns, and the object is the one that others inject', async () => {
    container.bind(Thermometer).toSelf().inSingletonScope();
    container.bind(TOKENS.Handler).toService(Thermometer);
    const { patterns, providers } = await container.getAsync(Handlers);
    expect(patterns.toSorted()).toEqual(['ovens/**', 'sensors/*/temp']);
    expect(providers).toEqual([]);
    await caller.publish('sensors/kitchen/temp', 21);
    await caller.publish('ovens/a/b', 200);
    expect(await container.get(Thermometer).heard.take(2)).toEqual([
      ['sensors/kitchen/temp', 21],
      ['ovens/a/b', 200],
    ]);
  });

  it('may stand in a class with @method, and use the client itself', async () => {
    @provider('heating')
    class Heating {
      on = false;
      constructor(@inject(Client) private readonly client: Client) {}

      @subscriber('sensors/*/temp')
      async measured({ body }: Message<number>): Promise<void> {
        this.on = body < 20;
        await this.client.publish('heating/changed', this.on);
      }

      @method()
      state(): boolean {
        return this.on;
      }
    }
    container.bind(TOKENS.Handler).to(Heating);
    await container.getAsync(Handlers);
    const changed = new Collector<unknown>();
    await caller.subscribe('heating/changed', ({ body }) => changed.add(body));
    await caller.publish('sensors/kitchen/temp', 12);
    expect(await changed.next()).toBe(true);
    expect(await caller.call('heating/state')).toBe(true);
  });
});

describe('without decorators', () => {
  it('functions provide and subscribe, also with dependencies', async () => {
    const heard = new Collector<unknown>();
    container.bind(TOKENS.Handler).toConstantValue(providerOf('math/square', (x: number) => x * x));
    container
      .bind(TOKENS.Handler)
      .toResolvedValue((tables: Tables) => providerOf('tables', { root: (x: number) => tables.root(x) }), [Tables]);
    container.bind(TOKENS.Handler).toConstantValue(subscriberOf('a/*', ({ body }) => heard.add(body)));
    const { patterns, providers } = await container.getAsync(Handlers);
    expect(providers.toSorted()).toEqual(['math/square', 'tables/root']);
    expect(patterns).toEqual(['a/*']);
    expect(await caller.call('math/square', 3)).toBe(9);
    expect(await caller.call('tables/root', 9)).toBe(3);
    await caller.publish('a/b', 1);
    expect(await heard.next()).toBe(1);
  });

  it('handlers run without a container, too', async () => {
    const handlers = new Handlers();
    await handlers.start(caller, [providerOf('echo', (x: unknown) => x)]);
    const client = await container.getAsync(Client);
    expect(await client.call('echo', 'hello')).toBe('hello');
    await handlers.close();
    await expect(client.call('echo', 1, { timeout: 50 })).rejects.toMatchObject({ name: 'SpokeError' });
  });

  it('handlers of a parent container are found by its children', async () => {
    const { Container: Own } = await import('inversify');
    const { spokeModule } = await import('spoke');
    const parent = new Own();
    parent.bind(TOKENS.Handler).toConstantValue(providerOf('echo', (x: unknown) => x));
    const child = new Own({ parent });
    child.load(spokeModule({ ...HOME }));
    await child.getAsync(Broker);
    expect((await child.getAsync(Handlers)).providers).toEqual(['echo']);
    await child.unbindAllAsync();
  });
});

describe('contracts', () => {
  const math = service('math', { square: contract(z.number(), z.number()), root: contract<number, number>() });
  const pose = channel('robots/:id/pose', z.object({ x: z.number() }));

  it('name the methods of a class, which have their types and checks, and its channels', async () => {
    const seen = new Collector<[string, number]>();

    @provider(math)
    class Robots {
      square(x: number): number {
        return x * x;
      }

      async root(x: number): Promise<number> {
        return Math.sqrt(x);
      }

      @method()
      triple(x: number): number {
        return 3 * x;
      }

      @subscriber(pose)
      moved({ params, body }: TypedMessage<{ id: string }, { x: number }>): void {
        seen.add([params.id, body.x]);
      }
    }
    container.bind(TOKENS.Handler).to(Robots);
    const { patterns, providers } = await container.getAsync(Handlers);
    expect(providers.toSorted()).toEqual(['math/root', 'math/square', 'math/triple']);
    expect(patterns).toEqual(['robots/*/pose']);
    expect(await caller.use(math).square(5)).toBe(25);
    expect(await caller.use(math).root(25)).toBe(5);
    expect(await caller.call('math/triple', 5)).toBe(15);
    await expect(caller.call('math/square', 'five')).rejects.toMatchObject({ name: 'SpokeError' });
    await caller.publish(pose({ id: 'r2' }), { x: 4 });
    expect(await seen.next()).toEqual(['r2', 4]);
  });

  it('name functions, too', async () => {
    const seen = new Collector<number>();
    container.bind(TOKENS.Handler).toConstantValue(providerOf(math, { square: (x) => x * x, root: Math.sqrt }));
    container.bind(TOKENS.Handler).toConstantValue(subscriberOf(pose, ({ body }) => seen.add(body.x)));
    await container.getAsync(Handlers);
    expect(await caller.use(math).square(5)).toBe(25);
    await caller.publish(pose({ id: 'r2' }), { x: 4 });
    expect(await seen.next()).toBe(4);
  });

  it('do not compile with a class that does not fit, and do not start with it', async () => {
    // @ts-expect-error -- there is no root
    @provider(math)
    class Half {
      square(x: number): number {
        return x * x;
      }
    }
    // @ts-expect-error -- a square is a number
    @provider(math)
    class Wrong {
      square(x: string): string {
        return x;
      }
      root(x: number): number {
        return x;
      }
    }
    class Deaf {
      // @ts-expect-error -- x is a number
      @subscriber(pose)
      moved(_: TypedMessage<{ id: string }, { x: string }>): void {}
    }
    expect([Wrong, Deaf]).toHaveLength(2);
    container.bind(TOKENS.Handler).to(Half);
    await expect(container.getAsync(Handlers)).rejects.toThrow(
      new TypeError('Half provides the service math, but has no method root'),
    );
  });
});

describe('what cannot start', () => {
  const failureOf = async (...handlers: object[]) => {
    for (const handler of handlers) container.bind(TOKENS.Handler).toConstantValue(handler);
    return within(
      container.getAsync(Handlers).then(
        () => 'none',
        (error: unknown) => error,
      ),
      'the failure',
    );
  };

  it('is told when it is decorated, or made', () => {
    expect(() => provider('math/*')).toThrow(
      new TypeError('@provider: "math/*" is no name; it must have a token, and no wildcard'),
    );
    expect(() => method('**')).toThrow('@method: "**" is no name');
    // @ts-expect-error -- a pattern is a text
    expect(() => subscriber(7)).toThrow('@subscriber: the pattern must be a string');
    expect(() => providerOf('', () => 1)).toThrow('providerOf: "" is no name');
    // @ts-expect-error -- a procedure is a function
    expect(() => providerOf('a', { b: 1 })).toThrow('providerOf: a/b must be a function');
    // @ts-expect-error -- a handler is a function
    expect(() => subscriberOf('a')).toThrow('subscriberOf: the handler must be a function');
  });

  it('is an object that handles nothing', async () => {
    expect(await failureOf(new Tables())).toEqual(
      new TypeError(
        'Tables handles nothing: a handler has methods with @method() or @subscriber(…), or is made by providerOf or subscriberOf',
      ),
    );
  });

  it('is a method of a class that has no name', async () => {
    class Nameless {
      @method()
      square(x: number): number {
        return x * x;
      }
    }
    expect(await failureOf(new Nameless())).toEqual(
      new TypeError('Nameless.square has @method(), but its class has no @provider(name)'),
    );
  });

  it('is a procedure that is provided twice', async () => {
    const failure = await failureOf(
      new Calculator(new Tables()),
      providerOf('math/square', (x: number) => x),
    );
    expect(failure).toMatchObject({ code: 'DUPLICATE', details: { procedure: 'math/square' } });
    expect(String(failure)).toContain('provided by Calculator.square and by a handler.procedure');
  });

  it('is one whose dependency is missing; and the container can still be emptied', async () => {
    class Missing {}
    @provider('math')
    class Lost {
      constructor(@inject(Missing) readonly missing: Missing) {}
      @method()
      square(): number {
        return 1;
      }
    }
    container.bind(TOKENS.Handler).to(Lost);
    await expect(container.getAsync(Handlers)).rejects.toThrow('Missing');
    await container.unbindAllAsync();
  });

  it('is one that the broker refuses: the others end, and the text says which it was', async () => {
    await container.unbindAllAsync();
    container = createContainer(HOME);
    container.bind(TOKENS.Authorizer).toConstantValue({
      allows: (_who, action, channel) => action !== 'subscribe' || !channel.startsWith('secret'),
    });
    await container.getAsync(Broker);
    const failure = await failureOf(
      providerOf('open', () => 1),
      subscriberOf('secret/**', () => {}),
    );
    expect(failure).toMatchObject({ code: 'FORBIDDEN' });
    expect(String(failure)).toContain('cannot start a handler.handler (secret/**): ');
    const client = await container.getAsync(Client);
    await expect(client.call('open', 1, { timeout: 50 })).rejects.toMatchObject({ name: 'SpokeError' });
  });

  it('is all of it when there is no broker', async () => {
    await container.unbindAllAsync();
    container = createContainer({ ...HOME, url: 'memory://nowhere', reconnect: false });
    container.bind(TOKENS.Handler).toConstantValue(providerOf('echo', (x: unknown) => x));
    await expect(container.getAsync(Handlers)).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    await container.unbindAllAsync();
  });
});

describe('the end of the application', () => {
  it('lets calls finish that are being handled, and their answers leave', async () => {
    let finish: (value: string) => void = () => {};
    const called = new Collector<unknown>();
    container.bind(TOKENS.Handler).toConstantValue(
      providerOf('slow', async (x: unknown) => {
        called.add(x);
        return new Promise<string>((resolve) => (finish = resolve));
      }),
    );
    const handlers = await container.getAsync(Handlers);
    const answer = caller.call('slow', 1, { timeout: 5000 });
    await called.next();
    expect(handlers.running).toBe(1);
    const ended = container.unbindAllAsync();
    finish('done');
    expect(await within(answer, 'the answer')).toBe('done');
    await within(ended, 'the end of the container');
    expect(handlers.running).toBe(0);
  });

  it('waits for them only so long', async () => {
    const net = memoryNetwork({ seed: 1 });
    await net.broker();
    const client = await net.client();
    const other = await net.client();
    const handlers = new Handlers({ timeout: 3000, clock: net.clock });
    const never = new Promise<never>(() => {});
    await handlers.start(client, [providerOf('stuck', () => never)]);
    const call = other.call('stuck', 1, { timeout: Infinity });
    call.catch(() => {});
    await net.idle();
    let ended = false;
    const closing = handlers.close().then(() => (ended = true));
    await net.advance('2.9 s');
    expect(ended).toBe(false);
    await net.until(closing);
    expect(client.state).toBe('connected');
    await net.close();
  });

  it('ends what was only just starting', async () => {
    container.bind(TOKENS.Handler).to(Calculator);
    const starting = container.getAsync(Handlers).catch((error: unknown) => error);
    await within(container.unbindAllAsync(), 'the end');
    expect(await starting).toMatchObject({ code: 'CLOSED' });
  });

  it('leaves the calls of others on the same client to them', async () => {
    container.bind(TOKENS.Handler).to(Calculator);
    const handlers = await container.getAsync(Handlers);
    const rpc = await container.getAsync(RpcService);
    await rpc.provide('own', () => 'mine');
    await handlers.close();
    expect(await caller.call('own')).toBe('mine');
  });
});

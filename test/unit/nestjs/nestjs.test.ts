// A NestJS application over spoke.

import { afterEach, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext, INestMicroservice } from '@nestjs/common';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { lastValueFrom, NEVER, of, take, throwError, toArray } from 'rxjs';
import type { Client } from 'spoke';
import { RpcError } from 'spoke';
import type { SpokeContext } from 'spoke/nestjs';
import { SpokeClient, SpokeModule, SpokeRecord, SpokeStrategy } from 'spoke/nestjs';
import type { MemoryNetwork } from 'spoke/testing';
import { memoryNetwork } from 'spoke/testing';
import { Collector } from '../../support/collector.js';
import { within } from '../../support/within.js';

const heard = new Collector<readonly [string, unknown]>('events');
const signals = new Collector<AbortSignal>('signals');
const stuck = new Collector<() => void>('calls that wait');

@Controller()
class MathController {
  @MessagePattern('math/square')
  square(@Payload() x: number): number {
    return x * x;
  }

  @MessagePattern({ cmd: 'sum' })
  async sum(numbers: number[]): Promise<number> {
    return numbers.reduce((one, other) => one + other, 0);
  }

  @MessagePattern('math/digits')
  digits(x: number) {
    return of(...String(x).split('').map(Number));
  }

  @MessagePattern('where')
  where(@Ctx() context: SpokeContext): string {
    return context.getChannel();
  }

  @MessagePattern('fail/rpc')
  failAsRpc(text: string): never {
    throw new RpcException(text);
  }

  @MessagePattern('fail/code')
  failWithCode(x: number): never {
    throw new RpcException({ code: 'OUT_OF_RANGE', message: `${x} is too much`, limit: 5 });
  }

  @MessagePattern('aborted')
  aborted(@Ctx() context: SpokeContext) {
    const call = context.getCall();
    if (call !== undefined) signals.add(call.signal);
    return NEVER;
  }

  @MessagePattern('fail/unknown')
  failSomehow(): never {
    throw new Error('a secret of the program');
  }

  @MessagePattern('fail/late')
  failLate() {
    return throwError(() => new RpcException('late'));
  }

  @MessagePattern('never')
  never() {
    return NEVER;
  }

  @MessagePattern('slow')
  async slow(x: unknown): Promise<unknown> {
    await new Promise<void>((resolve) => stuck.add(resolve));
    return x;
  }

  @EventPattern<string>('sensors/*/temp')
  warm(@Payload() degrees: number, @Ctx() context: SpokeContext): void {
    heard.add([context.getChannel(), degrees]);
  }

  @EventPattern<string>('sensors/kitchen/*')
  inTheKitchen(@Ctx() context: SpokeContext): void {
    heard.add(['kitchen', context.getMessage()?.persist]);
  }

  @EventPattern<string>('jobs', { group: 'workers' })
  work(@Payload() job: number): void {
    heard.add(['jobs', job]);
  }

  @EventPattern<string>('broken')
  broken(): never {
    throw new Error('not today');
  }
}

@Module({ controllers: [MathController] })
class MathModule {}

const ends: (() => Promise<unknown>)[] = [];
let net: MemoryNetwork;

async function service(): Promise<{ app: INestMicroservice; strategy: SpokeStrategy }> {
  net = memoryNetwork({ seed: 3 });
  await net.broker();
  const strategy = new SpokeStrategy({
    url: 'memory://broker-1',
    transports: [net.transport('service')],
    clock: net.clock,
  });
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(MathModule, { strategy, logger: false });
  await app.listen();
  ends.push(
    () => net.until(app.close()),
    () => net.close(),
  );
  return { app, strategy };
}

function proxy(): SpokeClient {
  const made = new SpokeClient({
    url: 'memory://broker-1',
    transports: [net.transport('proxy')],
    clock: net.clock,
  });
  ends.unshift(() => made.close());
  return made;
}

afterEach(async () => {
  for (const end of ends.splice(0)) await within(end(), 'an end');
});

const failureOf = async (result: Promise<unknown>): Promise<unknown> =>
  result.then(
    () => 'none',
    (error: unknown) => error,
  );

describe('@MessagePattern', () => {
  it('is a procedure that any program can call', async () => {
    await service();
    const client: Client = await net.client();
    expect(await client.call('math/square', 7)).toBe(49);
    expect(await client.call('{"cmd":"sum"}', [1, 2, 3])).toBe(6);
    expect(await client.call('where')).toBe('where');
  });

  it('is called by a proxy, also with an object as the pattern', async () => {
    await service();
    const client = proxy();
    expect(await lastValueFrom(client.send('math/square', 7))).toBe(49);
    expect(await lastValueFrom(client.send({ cmd: 'sum' }, [1, 2, 3]))).toBe(6);
  });

  it('calls procedures that are not of Nest', async () => {
    await service();
    const other = await net.client();
    await other.provide('echo', (x: unknown) => x);
    expect(await lastValueFrom(proxy().send('echo', { a: 1 }).pipe(toArray()))).toEqual([{ a: 1 }]);
  });

  it('answers with all values of an Observable', async () => {
    await service();
    const client = await net.client();
    expect(await client.call('math/digits', 123)).toEqual([1, 2, 3]);
    expect(await client.call('math/digits', 1)).toBe(1);
  });

  it('gives each value to callers that read a stream', async () => {
    await service();
    const client = await net.client();
    const digits: unknown[] = [];
    for await (const digit of client.stream('math/digits', 123)) digits.push(digit);
    expect(digits).toEqual([1, 2, 3]);
    const values = proxy().send('math/digits', new SpokeRecord(4567, { stream: true }));
    expect(await lastValueFrom(values.pipe(toArray()))).toEqual([4, 5, 6, 7]);
    expect(await lastValueFrom(values.pipe(take(2), toArray()))).toEqual([4, 5]);
  });

  it('keeps the code and the data of an RpcException', async () => {
    await service();
    const failed = await failureOf(lastValueFrom(proxy().send('fail/code', 7)));
    expect(failed).toBeInstanceOf(RpcError);
    expect(failed).toMatchObject({ code: 'OUT_OF_RANGE', message: '7 is too much', data: { limit: 5 } });
  });

  it('is told that the caller has given up', async () => {
    await service();
    const subscription = proxy().send('aborted', 1).subscribe();
    const signal = await signals.next();
    await net.idle();
    expect(signal.aborted).toBe(false);
    subscription.unsubscribe();
    await net.idle();
    expect(signal.aborted).toBe(true);
  });

  it('tells the caller of an RpcException, and of others only that there was one', async () => {
    await service();
    const client = proxy();
    expect(await failureOf(lastValueFrom(client.send('fail/rpc', 'too large')))).toMatchObject({
      code: 'REMOTE',
      message: 'too large',
    });
    expect(await failureOf(lastValueFrom(client.send('fail/late', 1)))).toMatchObject({ message: 'late' });
    expect(await failureOf(lastValueFrom(client.send('fail/unknown', 1)))).toMatchObject({
      message: 'Internal server error',
    });
  });

  it('is given up after the timeout of the call', async () => {
    await service();
    const failed = failureOf(lastValueFrom(proxy().send('never', new SpokeRecord(1, { timeout: 2000 }))));
    await net.advance('3 s');
    expect(await failed).toMatchObject({ code: 'TIMEOUT' });
  });
});

describe('@EventPattern', () => {
  it('gets what is emitted or published on its channels, with all patterns that match', async () => {
    await service();
    const client = proxy();
    await lastValueFrom(client.emit('sensors/bath/temp', 21), { defaultValue: undefined });
    expect(await heard.take(1)).toEqual([['sensors/bath/temp', 21]]);
    const other = await net.client();
    await other.publish('sensors/kitchen/temp', 22);
    expect(new Map(await heard.take(2))).toEqual(
      new Map<string, unknown>([
        ['kitchen', false],
        ['sensors/kitchen/temp', 22],
      ]),
    );
    await lastValueFrom(client.emit('sensors/kitchen/light', new SpokeRecord(1, { persist: true })), {
      defaultValue: undefined,
    });
    expect(await heard.take(1)).toEqual([['kitchen', true]]);
  });

  it('with a group goes to one member of it', async () => {
    await service();
    const other = new Collector<unknown>('jobs elsewhere');
    const client = await net.client();
    await client.subscribe('jobs', ({ body }) => other.add(body), { group: 'workers' });
    await client.publish('jobs', 1);
    await client.publish('jobs', 2);
    await net.idle();
    const here = heard.rest.map(([, body]) => body);
    await heard.take(here.length);
    expect([...here, ...other.items].toSorted((a, b) => Number(a) - Number(b))).toEqual([1, 2]);
    expect(here).toHaveLength(1);
  });

  it('goes on after a handler has failed', async () => {
    await service();
    const client = await net.client();
    await client.publish('broken', 1);
    await client.publish('sensors/bath/temp', 3);
    expect(await heard.take(1)).toEqual([['sensors/bath/temp', 3]]);
  });
});

describe('a microservice', () => {
  it('lets requests finish when it is closed, and takes no more', async () => {
    const { app, strategy } = await service();
    const client = await net.client();
    const answer = client.call('slow', 'done');
    const finish = await stuck.next();
    const closing = app.close();
    finish();
    expect(await within(answer, 'the answer')).toBe('done');
    await within(closing, 'the end');
    expect(strategy.unwrap().state).toBe('closed');
  });

  it('says why it cannot start', async () => {
    net = memoryNetwork();
    @Controller()
    class Wrong {
      @MessagePattern('math/*')
      all(): number {
        return 1;
      }
    }
    @Module({ controllers: [Wrong] })
    class WrongModule {}
    await net.broker();
    const start = async (url: string) => {
      const strategy = new SpokeStrategy({
        url,
        transports: [net.transport('service')],
        clock: net.clock,
        reconnect: false,
      });
      const app = await NestFactory.createMicroservice<MicroserviceOptions>(WrongModule, { strategy, logger: false });
      ends.push(() => app.close());
      return failureOf(app.listen());
    };
    expect(await start('memory://broker-1')).toMatchObject({
      name: 'TypeError',
      message: expect.stringContaining('cannot start @MessagePattern (math/*)'),
    });
    expect(await start('memory://nowhere')).toMatchObject({ code: 'CONNECT_FAILED' });
  });

  it('tells of its state', async () => {
    const { app } = await service();
    const states = new Collector<unknown>('states');
    app.status.subscribe((state) => states.add(state));
    net.cut('service', 'broker-1');
    await net.advance('10 s');
    expect(states.items).toEqual(['connected', 'reconnecting', 'connected']);
  });
});

describe('SpokeModule', () => {
  it('gives a proxy to be injected, and closes it with the application', async () => {
    await service();
    @Module({
      imports: [
        SpokeModule.register({ url: 'memory://broker-1', transports: [net.transport('one')], clock: net.clock }),
        SpokeModule.registerAsync({
          name: 'OTHER',
          useFactory: async () => ({ url: 'memory://broker-1', transports: [net.transport('two')], clock: net.clock }),
        }),
      ],
    })
    class CallerModule {}
    const app: INestApplicationContext = await NestFactory.createApplicationContext(CallerModule, { logger: false });
    const one = app.get(SpokeClient);
    const other = app.get<SpokeClient>('OTHER');
    expect(await lastValueFrom(one.send('math/square', 3))).toBe(9);
    expect(await lastValueFrom(other.send('math/square', 4))).toBe(16);
    await app.close();
    expect([one.unwrap().state, other.unwrap().state]).toEqual(['closed', 'closed']);
  });

  it('leaves a client open that it was lent', async () => {
    await service();
    const client = await net.client();
    const app = await NestFactory.createApplicationContext(SpokeModule.register({ client }), { logger: false });
    expect(await lastValueFrom(app.get(SpokeClient).send('math/square', 3))).toBe(9);
    await app.close();
    expect(client.state).toBe('connected');
  });
});

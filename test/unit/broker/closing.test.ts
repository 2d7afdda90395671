// A broker that ends loses nothing that its clients sent. Time stands still unless it is moved.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';
import { within } from '../../support/within.js';

let stage: Stage;
let clock: VirtualClock;
beforeEach(() => {
  ({ stage, clock } = memoryStage());
});
afterEach(async () => stage.close());

describe('a broker that is closed', () => {
  it('has its clients end their connections, without waiting for a time to pass', async () => {
    const broker = await stage.broker();
    const { client } = await stage.join();
    await client.flush();
    const states: string[] = [];
    client.on('state', (state) => states.push(state));
    await within(broker.close(), 'the end of the broker');
    await clock.idle();
    expect(states[0]).toBe('reconnecting');
    expect(clock.monotonic()).toBe(0);
  });

  it('handles everything that was sent before, and the rest waits in the client for the next broker', async () => {
    const broker = await stage.broker();
    const publisher = await stage.client();
    await publisher.flush();
    for (let i = 0; i < 100; i++) void publisher.publish('numbers', i);
    const closed = broker.close();
    const { received } = broker.stats;
    await within(closed, 'the end of the broker');
    expect(broker.stats.received - received).toBeGreaterThanOrEqual(100);
    const later = publisher.publish('numbers', 'later');
    await stage.broker();
    const heard: unknown[] = [];
    const subscriber = await stage.client();
    await subscriber.subscribe('numbers', ({ body }) => heard.push(body));
    await clock.advance(100);
    await within(Promise.all([later, publisher.flush()]), 'what waited');
    await within(subscriber.flush(), 'what was published');
    expect(heard).toEqual(['later']);
  });

  it('lets calls in flight be answered first', async () => {
    const broker = await stage.broker();
    const provider = await stage.client();
    let answer = (_: string): void => {};
    const called = new Promise<void>((resolve) => {
      void provider.provide('slow', () => {
        resolve();
        return new Promise<string>((done) => (answer = done));
      });
    });
    await provider.flush();
    const caller = await stage.client();
    const result = caller.call('slow');
    await within(called, 'the call');
    const closed = broker.close();
    await clock.idle();
    expect(caller.state).toBe('connected');
    answer('done');
    expect(await within(result, 'the answer')).toBe('done');
    await within(closed, 'the end of the broker');
    expect(clock.monotonic()).toBe(0);
  });

  it('does not wait for ever for a call', async () => {
    const broker = await stage.broker({ closeTimeout: 300 });
    const provider = await stage.client();
    await provider.provide('never', () => new Promise(() => {}));
    const caller = await stage.client();
    const result = caller.call('never').catch((error: unknown) => error);
    await provider.flush();
    await caller.flush();
    const closed = broker.close();
    await clock.advance(300);
    await within(closed, 'the end of the broker');
    expect(await within(result, 'the end of the call')).toMatchObject({ code: 'CONNECTION_LOST' });
  });

  it('does not wait for ever for a client that does not end', async () => {
    const broker = await stage.broker({ closeTimeout: 500 });
    const { client, tap } = await stage.join();
    await client.flush();
    tap.connection.stallReading();
    const closed = broker.close();
    await clock.advance(499);
    expect(broker.stats.connections).toBe(1);
    await clock.advance(1);
    await within(closed, 'the end of the broker');
    await client.close();
  });

  it('ends clients at once that know nothing of it', async () => {
    const broker = await stage.broker();
    const raw = await stage.raw();
    await raw.flush();
    await within(broker.close(), 'the end of the broker');
    expect(clock.monotonic()).toBe(0);
    await raw.closed();
  });

  it('is not believed to be, when it is another client that says so', async () => {
    await stage.broker();
    const { client } = await stage.join();
    const raw = await stage.raw();
    raw.publish('-control/closing', 'null');
    await raw.flush();
    await within(client.flush(), 'the flush');
    expect(client.state).toBe('connected');
  });
});

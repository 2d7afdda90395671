// How a client finds its broker, loses it and finds it again. Time stands still unless it is moved.

import { getEventListeners } from 'node:events';

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import type { ClientState } from '../../../src/client/index.js';
import { SpokeError } from '../../../src/contracts/index.js';
import { Client } from '../../../src/node/index.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import { refused } from '../../support/tap-transport.js';
import type { VirtualClock } from '../../support/virtual-clock.js';
import { within } from '../../support/within.js';

let stage: Stage;
let clock: VirtualClock;
beforeEach(() => {
  ({ stage, clock } = memoryStage());
});
afterEach(async () => {
  await stage.close();
  jest.restoreAllMocks();
});

function watch(client: Client) {
  const states: string[] = [];
  const delays: number[] = [];
  client.on('state', (state, error) => states.push(error === undefined ? state : `${state} ${error.code}`));
  client.on('retry', (_, delay) => delays.push(delay));
  return { states, delays };
}

describe('connecting', () => {
  it('goes from idle over connecting to connected, and tells each', async () => {
    await stage.broker();
    const { client } = stage.prepare();
    const { states } = watch(client);
    expect(client.state).toBe('idle');
    await client.connect();
    await client.connect();
    expect(client.state).toBe('connected');
    expect(states).toEqual(['connecting', 'connected']);
  });

  it('is one thing, however many wait for it', async () => {
    await stage.broker();
    const { client, tap } = stage.prepare();
    await Promise.all([client.connect(), client.connect(), client.connect()]);
    expect(tap.attempts).toBe(1);
  });

  it('tries again for ever, after delays that double up to a bound, each shortened by up to a half', async () => {
    let random = 0;
    const { client, tap } = stage.prepare({ reconnect: { minDelay: 100, maxDelay: 1000, random: () => random } });
    const { delays } = watch(client);
    const connected = client.connect();
    await clock.advance(5000);
    expect(delays.slice(0, 6)).toEqual([50, 100, 200, 400, 500, 500]);
    random = 0.999_999;
    const before = delays.length;
    await clock.advance(5000);
    expect(Math.round(delays[before] ?? 0)).toBe(1000);
    expect(tap.attempts).toBe(delays.length);
    await stage.broker();
    await clock.advance(1000);
    await within(connected, 'the connection');
    expect(client.state).toBe('connected');
  });

  it('tells of each failed attempt why, and when the next comes', async () => {
    const { client, tap } = stage.prepare();
    tap.refuse = new SpokeError('CONNECT_FAILED', 'no such host: nowhere', { retryable: true });
    const seen: [string, number][] = [];
    client.on('retry', (error, delay) => {
      seen.push([error.message, delay]);
      expect(clock.nextTimer).toBeUndefined();
    });
    void client.connect().catch(() => undefined);
    await clock.idle();
    expect(seen).toEqual([['no such host: nowhere', expect.any(Number)]]);
    expect(clock.nextTimer).toBe(seen[0]?.[1]);
  });

  it('rejects with TIMEOUT and the last failure when it may wait no longer, and closes the client', async () => {
    const { client, tap } = stage.prepare();
    tap.refuse = refused();
    const outcome = client.connect({ timeout: 3000 }).catch((error: unknown) => error);
    await clock.advance(3000);
    expect(await outcome).toMatchObject({
      code: 'TIMEOUT',
      retryable: true,
      cause: { code: 'CONNECT_FAILED' },
      message: expect.stringContaining('refused by the test'),
    });
    expect(client.state).toBe('closed');
    const { attempts } = tap;
    await clock.advance(60_000);
    expect(tap.attempts).toBe(attempts);
    expect(clock.timers).toBe(0);
  });

  it('rejects with ABORTED when its signal aborts, before and meanwhile, and leaves no listener', async () => {
    for (const early of [true, false]) {
      const { client, tap } = stage.prepare();
      tap.refuse = refused();
      const abort = new AbortController();
      if (early) abort.abort(new Error('never mind'));
      const outcome = client.connect({ signal: abort.signal }).catch((error: unknown) => error);
      await clock.idle();
      abort.abort(new Error('never mind'));
      expect(await outcome).toMatchObject({ code: 'ABORTED', cause: { message: 'never mind' } });
      expect(client.state).toBe('closed');
      expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
    }
    expect(clock.timers).toBe(0);
  });

  it('aborted while the transport is busy abandons that attempt', async () => {
    await stage.broker();
    const { client, tap } = stage.prepare();
    const signals: (AbortSignal | undefined)[] = [];
    tap.onConnect = async (signal) => {
      signals.push(signal);
      await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
    };
    const outcome = client.connect({ timeout: 1000 }).catch((error: unknown) => error);
    await clock.advance(1000);
    expect(await outcome).toMatchObject({ code: 'TIMEOUT' });
    expect(signals[0]?.aborted).toBe(true);
    expect(tap.connections).toEqual([]);
  });

  it('with reconnect false fails on the first failure, with its reason', async () => {
    const { client, tap } = stage.prepare({ reconnect: false });
    const { states } = watch(client);
    await expect(client.connect()).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    expect(tap.attempts).toBe(1);
    expect(states).toEqual(['connecting', 'closed CONNECT_FAILED']);
    await expect(client.connect()).rejects.toMatchObject({ code: 'CLOSED', cause: { code: 'CONNECT_FAILED' } });
  });

  it('fails at once for an error that trying again cannot mend', async () => {
    const { client, tap } = stage.prepare();
    tap.refuse = new SpokeError('ADDRESS_INVALID', 'a TCP address has no path');
    await expect(client.connect()).rejects.toMatchObject({ code: 'ADDRESS_INVALID' });
    expect(client.state).toBe('closed');
    expect(tap.attempts).toBe(1);
  });

  it('fails at once for an error of a transport that is no SpokeError', async () => {
    const { client, tap } = stage.prepare();
    tap.onConnect = () => {
      throw new TypeError('a bug in the transport');
    };
    await expect(client.connect()).rejects.toMatchObject({ code: 'CONNECT_FAILED', cause: expect.any(TypeError) });
  });

  it.each([
    ['nonsense', 'ADDRESS_INVALID'],
    ['carrier-pigeon://x', 'UNKNOWN_SCHEME'],
  ])('to %s fails when the client is made', (url, code) => {
    expect(() => new Client({ url })).toThrow(expect.objectContaining({ code }));
  });

  it.each([{ minDelay: 0 }, { minDelay: 10, maxDelay: 5 }, { minDelay: NaN }])(
    'with the delays %p is a TypeError when the client is made',
    (reconnect) => {
      expect(() => stage.prepare({ reconnect })).toThrow(TypeError);
    },
  );
});

describe('a lost connection', () => {
  it('makes the client reconnecting, and connected again, and tells why', async () => {
    await stage.broker();
    const { client, tap } = await stage.join();
    const { states } = watch(client);
    tap.connection.cut();
    await clock.idle();
    expect(client.state).toBe('reconnecting');
    await clock.advance(50);
    expect(states).toEqual(['reconnecting CONNECTION_LOST', 'connected']);
  });

  it('is one that the broker ended in good order as well', async () => {
    const broker = await stage.broker();
    const { client } = await stage.join();
    const { states } = watch(client);
    await broker.close();
    await clock.idle();
    expect(states).toEqual(['reconnecting CONNECTION_LOST']);
    await clock.advance(200);
    await stage.broker();
    await clock.advance(50);
    expect(client.state).toBe('connected');
  });

  it('that was good for a second starts from the shortest delay; one that was not goes on where it was', async () => {
    await stage.broker();
    const { client, tap } = await stage.join({ reconnect: { minDelay: 100, maxDelay: 10_000, random: () => 0 } });
    const waits: (number | undefined)[] = [];
    for (let n = 0; n < 4; n++) {
      tap.connection.cut();
      await clock.idle();
      waits.push(clock.nextTimer);
      await clock.advance(clock.nextTimer ?? 0);
      expect(client.state).toBe('connected');
    }
    expect(waits).toEqual([50, 100, 200, 400]);
    await clock.advance(1000);
    tap.connection.cut();
    await clock.idle();
    expect(clock.nextTimer).toBe(50);
  });

  it('with reconnect false closes the client, and tells why', async () => {
    await stage.broker();
    const { client, tap } = await stage.join({ reconnect: false });
    const { states } = watch(client);
    tap.connection.cut();
    await clock.idle();
    expect(states).toEqual(['closed CONNECTION_LOST']);
    await expect(client.publish('x')).rejects.toMatchObject({ code: 'CLOSED', cause: { code: 'CONNECTION_LOST' } });
  });

  it('is waited for by connect', async () => {
    await stage.broker();
    const { client, tap } = await stage.join();
    tap.connection.cut();
    await clock.idle();
    const connected = client.connect();
    await clock.advance(50);
    await within(connected, 'the connection');
  });
});

describe('a listener', () => {
  it('that throws harms neither the client nor other listeners, and becomes a warning', async () => {
    const warnings = jest.spyOn(process, 'emitWarning').mockReturnValue(undefined);
    await stage.broker();
    const { client, tap } = stage.prepare();
    client.on('state', () => {
      throw new Error('a bug in a state listener');
    });
    client.on('retry', () => {
      throw new Error('a bug in a retry listener');
    });
    const { states } = watch(client);
    tap.refuse = refused();
    const connected = client.connect();
    await clock.idle();
    tap.refuse = undefined;
    await clock.advance(50);
    await within(connected, 'the connection');
    expect(states).toEqual(['connecting', 'connected']);
    expect(warnings.mock.calls).toEqual([
      [expect.stringContaining('a bug in a state listener'), expect.objectContaining({ code: 'HANDLER_FAILED' })],
      [expect.stringContaining('a bug in a retry listener'), expect.objectContaining({ code: 'HANDLER_FAILED' })],
      [expect.stringContaining('a bug in a state listener'), expect.objectContaining({ code: 'HANDLER_FAILED' })],
    ]);
  });

  it('of errors that throws costs neither the connection nor the other listeners', async () => {
    const warnings = jest.spyOn(process, 'emitWarning').mockReturnValue(undefined);
    await stage.broker();
    const { client, tap } = await stage.join();
    const told: string[] = [];
    client.on('error', () => {
      throw new Error('a bug in an error listener');
    });
    client.on('error', (error) => told.push(error.code));
    await client.subscribe('x', () => {
      throw new Error('a bug in a handler');
    });
    await client.publish('x');
    await client.flush();
    expect(client.state).toBe('connected');
    expect(tap.attempts).toBe(1);
    expect(told).toEqual(['HANDLER_FAILED']);
    expect(warnings).toHaveBeenCalledTimes(1);
  });

  it('need not be there: an error that nobody listens to becomes a warning, not the end of the program', async () => {
    const warnings = jest.spyOn(process, 'emitWarning').mockReturnValue(undefined);
    await stage.broker();
    const client = new Client({ url: stage.url, transports: [stage.transport], clock, heartbeat: false });
    stage.later(async () => client.close());
    await client.connect();
    await client.subscribe('x', () => {
      throw new Error('a bug in a handler');
    });
    await client.publish('x');
    await client.flush();
    expect(warnings.mock.calls).toEqual([
      [
        expect.stringContaining('a bug in a handler'),
        { type: 'SpokeError', code: 'HANDLER_FAILED', detail: expect.stringContaining('connecting.test.ts') },
      ],
    ]);
  });

  it('is told nothing after it stopped listening', async () => {
    await stage.broker();
    const { client } = stage.prepare();
    const states: ClientState[] = [];
    const stop = client.on('state', (state) => states.push(state));
    stop();
    await client.connect();
    expect(states).toEqual([]);
  });

  it('may close the client at any moment, and nothing goes on', async () => {
    for (const moment of ['connecting', 'connected', 'reconnecting', 'retry'] as const) {
      const broker = await stage.broker();
      const { client, tap } = stage.prepare({ reconnect: { minDelay: 5000, maxDelay: 5000 } });
      let closed: Promise<void> | undefined;
      const close = () => void (closed ??= client.close());
      client.on('state', (state) => {
        if (state === moment) close();
      });
      client.on('retry', () => {
        if (moment === 'retry') close();
      });
      if (moment === 'retry') tap.refuse = refused();
      const outcome = client.connect().then(
        () => 'connected',
        (error: unknown) => (error instanceof SpokeError ? error.code : 'other'),
      );
      await clock.idle();
      if (moment === 'reconnecting') tap.connection.cut();
      await clock.idle();
      // Without time passing.
      await within(closed ?? Promise.reject(new Error('not closed')), `closing when ${moment}`, 1000);
      expect(await outcome).toBe(moment === 'reconnecting' ? 'connected' : 'CLOSED');
      expect(client.state).toBe('closed');
      await clock.idle();
      expect(tap.connections).toEqual([]);
      expect(clock.timers).toBe(0);
      await broker.close();
    }
  });
});

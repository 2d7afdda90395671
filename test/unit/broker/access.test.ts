// Who is let in, and who may do what: the hooks, also when they fail, hang or are asked too late.

import { getEventListeners } from 'node:events';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { Action, Authenticator, Identity } from '../../../src/contracts/index.js';
import type { RawConnection } from '../../support/raw-connection.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
let logger: RecordingLogger;
beforeEach(() => {
  ({ stage, clock } = memoryStage());
  logger = new RecordingLogger();
});
afterEach(async () => stage.close());

/** An authenticator whose answers the test gives when it likes. */
class Slow implements Authenticator {
  readonly asked: { address: string; signal: AbortSignal; answer: (identity: Identity | undefined) => void }[] = [];

  async authenticate(peer: { address: string }, signal: AbortSignal): Promise<Identity | undefined> {
    return new Promise((answer) => this.asked.push({ address: peer.address, signal, answer }));
  }
}

describe('an authenticator', () => {
  it('lets in whom it names, and nothing that was sent before is lost', async () => {
    const slow = new Slow();
    await stage.broker({ authenticator: slow });
    const a = await stage.raw();
    a.subscribe('x');
    a.publish('x', '1');
    await clock.idle();
    expect(a.frames.items).toEqual([]);
    slow.asked[0]?.answer({ name: 'alice' });
    expect(await a.next()).toMatchObject({ body: 1 });
  });

  it('knows the connection by its address', async () => {
    const slow = new Slow();
    await stage.broker({ authenticator: slow });
    await stage.raw();
    await clock.idle();
    expect(slow.asked[0]?.address).toMatch(/^memory:\/\//);
    slow.asked[0]?.answer({ name: 'alice' });
  });

  it.each<[string, Authenticator]>([
    ['says nothing', { authenticate: () => undefined }],
    ['says nothing later', { authenticate: async () => undefined }],
    [
      'throws',
      {
        authenticate() {
          throw new Error('the directory is down');
        },
      },
    ],
    ['rejects', { authenticate: async () => Promise.reject(new Error('the directory is down')) }],
  ])('that %s keeps the connection out, and others are asked about anew', async (_, authenticator) => {
    const broker = await stage.broker({ authenticator, logger });
    const a = await stage.raw();
    a.publish('x', '1', { persist: true });
    expect(await a.closed()).toMatchObject({ by: 'error' });
    await clock.idle();
    expect(broker.stats).toMatchObject({ connections: 0, received: 0 });
    expect([...logger.lines.warn, ...logger.lines.error]).toHaveLength(1);
    expect(await (await stage.raw()).closed()).toMatchObject({ by: 'error' });
  });

  it('that takes longer than limits.connectTimeout keeps the connection out, and is told to stop', async () => {
    const slow = new Slow();
    const broker = await stage.broker({ authenticator: slow, limits: { connectTimeout: 3000 } });
    const a = await stage.raw();
    await clock.advance(2999);
    expect(a.isClosed).toBe(false);
    await clock.advance(1);
    expect(await a.closed()).toMatchObject({ by: 'error' });
    expect(slow.asked[0]?.signal.aborted).toBe(true);
    expect(slow.asked[0]?.signal.reason).toMatchObject({ code: 'TIMEOUT' });
    // An answer that comes too late changes nothing.
    slow.asked[0]?.answer({ name: 'alice' });
    await clock.idle();
    expect(broker.stats.connections).toBe(0);
  });

  it('holds a place in limits.connections while it thinks', async () => {
    const slow = new Slow();
    await stage.broker({ authenticator: slow, limits: { connections: 1 } });
    const a = await stage.raw();
    const b = await stage.raw();
    expect(await b.closed()).toMatchObject({ by: 'error' });
    slow.asked[0]?.answer({ name: 'alice' });
    expect(await a.flush()).toEqual([]);
  });

  it('may let in a connection that has gone meanwhile: nothing is left of it', async () => {
    const slow = new Slow();
    const broker = await stage.broker({ authenticator: slow });
    const [a, b] = [await stage.raw(), await stage.raw()];
    a.cut();
    await b.close();
    await clock.idle();
    for (const { answer } of slow.asked) answer({ name: 'alice' });
    await clock.idle();
    expect(broker.stats).toMatchObject({ connections: 0, subscriptions: 0 });
  });

  it('is told to stop when the broker closes, and its connection ends', async () => {
    const slow = new Slow();
    const broker = await stage.broker({ authenticator: slow });
    const a = await stage.raw();
    await clock.idle();
    await broker.close();
    expect(slow.asked[0]?.signal.aborted).toBe(true);
    expect(await a.closed()).toMatchObject({ by: 'error' });
    slow.asked[0]?.answer({ name: 'alice' });
    await clock.idle();
    expect(broker.stats.connections).toBe(0);
  });

  it('leaves no listener and no timer behind, however it ends', async () => {
    const signals: AbortSignal[] = [];
    let identity: Identity | undefined = { name: 'alice' };
    await stage.broker({
      authenticator: {
        async authenticate(_, signal) {
          signals.push(signal);
          return identity;
        },
      },
    });
    const a = await stage.raw();
    await a.flush();
    identity = undefined;
    const b = await stage.raw();
    await b.closed();
    await clock.idle();
    expect(signals.map((signal) => getEventListeners(signal, 'abort').length)).toEqual([0, 0]);
    expect(clock.timers).toBe(0);
  });
});

describe('an authorizer', () => {
  const asked: string[] = [];

  async function permitted(
    allows: (name: string, action: Action, target: string) => boolean,
  ): Promise<RawConnection[]> {
    asked.length = 0;
    await stage.broker({
      logger,
      authenticator: { authenticate: () => ({ name: 'alice' }) },
      authorizer: {
        allows(identity, action, target) {
          asked.push(`${identity.name} ${action} ${target}`);
          return allows(identity.name, action, target);
        },
      },
    });
    const [a, b] = [await stage.raw(), await stage.raw()];
    a.publish('-control/hello', '{"nonce": "1", "features": ["errors"]}');
    await a.next();
    return [a, b];
  }

  it('decides what may be published; what may not is refused with FORBIDDEN and reaches nobody', async () => {
    const [a, b] = await permitted((_, action, target) => action === 'subscribe' || target.startsWith('public/'));
    b?.subscribe('**');
    await clock.idle();
    a?.publish('public/x', '1');
    a?.publish('secret/x', '2', { persist: true });
    a?.publish('public/y', '3');
    await clock.idle();
    expect(await a?.next()).toMatchObject({ body: { code: 'FORBIDDEN', channel: 'secret/x' } });
    expect(b?.frames.items.map((frame) => JSON.parse(frame).body)).toEqual([1, 3]);
    expect(a?.isClosed).toBe(false);
  });

  it('decides what may be subscribed to, and is asked about the canonical pattern', async () => {
    const [a, b] = await permitted((_, action, target) => action === 'publish' || target === 'public/*/**');
    a?.subscribe('/secret/');
    a?.subscribe('public/**/*');
    await clock.idle();
    expect(await a?.next()).toMatchObject({ body: { code: 'FORBIDDEN', channel: '-control/subscribe' } });
    expect(asked).toEqual(['alice subscribe secret', 'alice subscribe public/*/**']);
    b?.publish('secret', '1');
    b?.publish('public/x', '2');
    expect(await a?.next()).toMatchObject({ body: 2 });
  });

  it('is asked about a channel once in the life of a connection', async () => {
    const [a, b] = await permitted(() => true);
    for (let n = 0; n < 10; n++) a?.publish('x', String(n));
    b?.publish('x', '1');
    await clock.idle();
    expect(asked).toEqual(['alice publish x', 'alice publish x']);
  });

  it('is not asked whether control messages may be sent: what they ask for counts', async () => {
    const [a] = await permitted(() => false);
    a?.unsubscribe('x');
    a?.publish('-control/hello', '{"nonce": "2", "features": ["errors", "ping"]}');
    a?.publish('-control/ping/a/1', 'null');
    await clock.idle();
    expect(asked).toEqual([]);
  });

  it('is asked about control channels that ask for nothing: they carry data like any other', async () => {
    const [a, b] = await permitted((_, action) => action === 'subscribe');
    b?.subscribe('**');
    await clock.idle();
    a?.publish('-control/unknown', '1');
    a?.publish('-control/ping/a/1', '2', { persist: true });
    expect(await a?.next()).toMatchObject({ body: { code: 'FORBIDDEN', channel: '-control/unknown' } });
    expect(await a?.next()).toMatchObject({ body: { code: 'FORBIDDEN', channel: '-control/ping/a/1' } });
    await clock.idle();
    expect(b?.frames.items).toEqual([]);
  });

  it('that throws refuses, is logged, and harms nobody', async () => {
    const [a] = await permitted(() => {
      throw new Error('the rules are broken');
    });
    a?.publish('x', '1');
    expect(await a?.next()).toMatchObject({ body: { code: 'FORBIDDEN' } });
    expect(logger.lines.error).toHaveLength(1);
    expect(a?.isClosed).toBe(false);
  });

  it('that lets a client of ours do nothing but its work does not make it report errors', async () => {
    await stage.broker({ authorizer: { allows: (_, __, target) => target === 'public' } });
    const { client, errors } = await stage.join();
    const messages: unknown[] = [];
    await client.subscribe('public', (message) => messages.push(message.body));
    await client.publish('public', 1);
    await client.flush();
    expect(messages).toEqual([1]);
    expect(errors.items).toEqual([]);
  });

  it('works without an authenticator: everyone is anonymous', async () => {
    const names = new Set<string>();
    await stage.broker({ authorizer: { allows: ({ name }) => names.add(name).size > 0 } });
    const a = await stage.raw();
    a.publish('x', '1');
    await clock.idle();
    expect([...names]).toEqual(['anonymous']);
  });
});

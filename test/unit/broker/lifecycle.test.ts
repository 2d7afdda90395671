// How a broker begins and ends.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { Broker } from '../../../src/broker/index.js';
import type { Address, Connection, Listener, ListenOptions, Transport } from '../../../src/contracts/index.js';
import { SpokeError } from '../../../src/contracts/index.js';
import { MemoryStore } from '../../../src/stores/index.js';
import { MemoryTransport } from '../../../src/transports/index.js';
import { RawConnection } from '../../support/raw-connection.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
beforeEach(() => {
  ({ stage, clock } = memoryStage());
});
afterEach(async () => stage.close());

/** Opens endpoints when the test says so, and knows which are open. */
class SlowToListen implements Transport {
  readonly schemes = ['slow'];
  readonly waiting: { open: () => void; fail: (error: SpokeError) => void; signal: AbortSignal | undefined }[] = [];
  readonly open = new Set<string>();

  async connect(): Promise<Connection> {
    throw new SpokeError('CONNECT_FAILED', 'not this way');
  }

  async listen(address: Address, _: (connection: Connection) => void, { signal }: ListenOptions): Promise<Listener> {
    const { href } = address;
    return new Promise((resolve, reject) => {
      const open = () => {
        this.open.add(href);
        resolve({ address: href, close: async () => void this.open.delete(href) });
      };
      this.waiting.push({ open, fail: reject, signal });
    });
  }
}

describe('a broker', () => {
  it('listens on several endpoints, in order, and joins them', async () => {
    const broker = await stage.broker({ listen: ['memory://one', 'memory://two'] });
    expect(broker.addresses).toEqual(['memory://one', 'memory://two']);
    const a = await RawConnection.open(stage.transport, 'memory://one');
    const b = await RawConnection.open(stage.transport, 'memory://two');
    a.subscribe('x');
    await a.flush();
    b.publish('x', '1');
    expect(await a.next()).toMatchObject({ body: 1 });
  });

  it('may listen on nothing at first, and on more later', async () => {
    const broker = await stage.broker({ listen: [] });
    expect(broker.addresses).toEqual([]);
    expect(await broker.listen('memory://later')).toBe('memory://later');
    const a = await RawConnection.open(stage.transport, 'memory://later');
    expect(await a.flush()).toEqual([]);
    await a.close();
  });

  it('opens once, however often it is asked to', async () => {
    const broker = await stage.broker();
    await Promise.all([broker.open(), broker.open()]);
    expect(broker.addresses).toHaveLength(1);
  });

  it('of which one endpoint cannot be opened opens none', async () => {
    const other = await stage.broker({ listen: 'memory://taken' });
    await expect(stage.broker({ listen: ['memory://free', 'memory://taken'] })).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
    });
    await expect(RawConnection.open(stage.transport, 'memory://free')).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
    });
    expect(other.addresses).toHaveLength(1);
  });

  it.each([
    ['nonsense', 'ADDRESS_INVALID'],
    ['carrier-pigeon://x', 'UNKNOWN_SCHEME'],
  ])('that is to listen on %s says so', async (listen, code) => {
    await expect(stage.broker({ listen })).rejects.toMatchObject({ code });
  });

  it('goes on when a further endpoint cannot be opened', async () => {
    const broker = await stage.broker();
    await expect(broker.listen('memory://broker')).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
    const a = await stage.raw();
    expect(await a.flush()).toEqual([]);
  });

  it('refuses two transports of one scheme and two codecs of one name', () => {
    expect(() => new Broker({ transports: [new MemoryTransport(), new MemoryTransport()] })).toThrow(
      expect.objectContaining({ code: 'DUPLICATE' }),
    );
  });

  it('shares nothing with another one in the same process', async () => {
    await stage.broker({ listen: 'memory://one' });
    await stage.broker({ listen: 'memory://two' });
    const a = await RawConnection.open(stage.transport, 'memory://one');
    const b = await RawConnection.open(stage.transport, 'memory://two');
    a.subscribe('**');
    await a.flush();
    b.publish('x', '1', { persist: true });
    await b.flush();
    await clock.idle();
    expect(a.frames.rest.filter((frame) => frame.includes('"x"'))).toEqual([]);
  });
});

describe('closing a broker', () => {
  it('sends what is queued, ends all connections in good order, and frees its endpoints', async () => {
    const broker = await stage.broker();
    const [a, b] = [await stage.raw(), await stage.raw()];
    a.subscribe('x');
    await a.flush();
    a.connection.pause();
    for (let n = 0; n < 200; n++) b.publish('x', `"${String(n).padEnd(1000, '.')}"`);
    await b.flush();
    expect(broker.stats.outboundBytes).toBeGreaterThan(0);
    const closing = broker.close();
    a.connection.resume();
    await closing;
    await clock.idle();
    expect(a.frames.rest).toHaveLength(200);
    expect(await a.closed()).toEqual({ by: 'remote' });
    expect(await b.closed()).toEqual({ by: 'remote' });
    expect(broker.stats).toMatchObject({ connections: 0, subscriptions: 0, outboundBytes: 0 });
    await stage.broker();
    expect(await (await stage.raw()).flush()).toEqual([]);
  });

  it('sends what was published in the same turn', async () => {
    const broker = await stage.broker();
    const a = await stage.raw();
    a.subscribe('x');
    await a.flush();
    const publisher = await stage.client();
    await publisher.publish('x', 1);
    await publisher.flush();
    await broker.close();
    expect(await a.next()).toMatchObject({ body: 1 });
  });

  it('is done once, and later calls wait for the same end', async () => {
    const broker = await stage.broker();
    await stage.raw();
    const first = broker.close();
    const second = broker.close();
    await Promise.all([first, second]);
    await broker.close();
    await broker[Symbol.asyncDispose]();
    expect(clock.timers).toBe(0);
  });

  it('is possible before it was opened, which then is not', async () => {
    const broker = new Broker({ listen: 'memory://x', transports: [stage.transport], clock });
    await broker.close();
    await expect(broker.open()).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(broker.listen('memory://y')).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('lets nobody in any more', async () => {
    const broker = await stage.broker();
    const raw = stage.raw();
    const closing = broker.close();
    // Connected at the same moment: ended, not forgotten.
    const outcome = await raw.then(
      async (connection) => (await connection.closed()).by,
      (error: unknown) => (error instanceof SpokeError ? error.code : 'no SpokeError'),
    );
    await closing;
    expect(['error', 'remote', 'CONNECT_FAILED']).toContain(outcome);
    expect(broker.stats.connections).toBe(0);
  });

  it('while an endpoint opens leaves no endpoint behind', async () => {
    const slow = new SlowToListen();
    const broker = new Broker({ listen: [], transports: [slow], clock });
    await broker.open();
    const listening = broker.listen('slow://x');
    await broker.close();
    // The transport did not see the abort in time.
    slow.waiting[0]?.open();
    await expect(listening).rejects.toMatchObject({ code: 'CLOSED' });
    expect(slow.waiting[0]?.signal?.aborted).toBe(true);
    expect([...slow.open]).toEqual([]);
  });

  it('while it opens makes the opening fail with CLOSED', async () => {
    const slow = new SlowToListen();
    const broker = new Broker({ listen: ['slow://x', 'slow://y'], transports: [slow], clock });
    const opening = broker.open();
    await clock.idle();
    const closing = broker.close();
    slow.waiting[0]?.fail(new SpokeError('ABORTED', 'aborted'));
    await expect(opening).rejects.toMatchObject({ code: 'CLOSED' });
    await closing;
    expect(slow.waiting).toHaveLength(1);
  });

  it('while its store opens makes the opening fail with CLOSED, and closes the store', async () => {
    const calls: string[] = [];
    let opened = (): void => {};
    class Slow extends MemoryStore {
      override async open(): Promise<void> {
        await new Promise<void>((resolve) => (opened = resolve));
        calls.push('opened');
      }
      override async close(): Promise<void> {
        calls.push('closed');
      }
    }
    const broker = new Broker({ listen: 'memory://x', transports: [stage.transport], clock, store: new Slow() });
    const opening = broker.open();
    const closing = broker.close();
    opened();
    await expect(opening).rejects.toMatchObject({ code: 'CLOSED' });
    await closing;
    expect(calls).toEqual(['opened', 'closed']);
  });

  it('does not wait for ever for a connection that takes nothing', async () => {
    const hanging = new HangingTransport(stage.transport);
    const broker = await stage.broker({ transports: [hanging], closeTimeout: 2000 });
    const a = await stage.raw();
    a.publish('x', '1');
    await clock.idle();
    let closed = false;
    const closing = broker.close().then(() => (closed = true));
    await clock.advance(1999);
    expect(closed).toBe(false);
    await clock.advance(1);
    await closing;
    expect(clock.timers).toBe(0);
  });
});

/** Its accepted connections never come to an end in good order. */
class HangingTransport implements Transport {
  readonly schemes: readonly string[];
  readonly #inner: Transport;

  constructor(inner: Transport) {
    this.#inner = inner;
    this.schemes = inner.schemes;
  }

  connect: Transport['connect'] = async (address, options) => this.#inner.connect(address, options);

  listen: Transport['listen'] = async (address, onConnection, options) =>
    this.#inner.listen(
      address,
      (connection) => {
        connection.close = () => {};
        onConnection(connection);
      },
      options,
    );
}

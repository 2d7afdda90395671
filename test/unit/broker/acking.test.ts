// Acknowledgements, message by message: docs/protocol.md#feature-ack.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { SpokeError } from '../../../src/contracts/index.js';
import type { RawConnection, WireMessage } from '../../support/raw-connection.js';
import { SlowStore } from '../../support/slow-store.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
beforeEach(() => {
  ({ stage, clock } = memoryStage());
});
afterEach(async () => stage.close());

/** A connection that gets acknowledgements. */
async function publisher(features: readonly string[] = ['errors', 'ack']): Promise<RawConnection> {
  const raw = await stage.raw();
  raw.publish('-control/hello', JSON.stringify({ nonce: '1', features }));
  expect((await raw.next()).body).toMatchObject({ features });
  return raw;
}

async function subscriber(pattern: string): Promise<RawConnection> {
  const raw = await stage.raw();
  raw.subscribe(pattern);
  await raw.flush();
  return raw;
}

const send = (raw: RawConnection, n: number, head: Readonly<Record<string, unknown>> = {}, channel = 'x') =>
  raw.publish(channel, String(n), { '-id': `me:${n}`, ...head });
const kept = { persist: true };
const acks = (messages: readonly WireMessage[]) =>
  messages.filter(({ head }) => head.channel === '-control/ack').map(({ body }) => body);
const bodies = (messages: readonly WireMessage[]) => messages.map(({ body }) => body);
const arrived = async (raw: RawConnection): Promise<WireMessage[]> => {
  await clock.idle();
  return (await raw.frames.take(raw.frames.rest.length)).map((frame) => JSON.parse(frame) as WireMessage);
};

describe('a message with a number', () => {
  it('is acknowledged when it was routed; those of one turn together', async () => {
    await stage.broker();
    const [a, b] = [await publisher(), await subscriber('x')];
    for (const n of [1, 2, 3]) send(a, n);
    send(a, 5);
    expect(acks(await arrived(a))).toEqual([
      {
        done: [
          [1, 3],
          [5, 5],
        ],
        failed: [],
      },
    ]);
    expect(bodies(await arrived(b))).toEqual([1, 2, 3, 5]);
  });

  it('is shown to subscribers without it', async () => {
    await stage.broker();
    const [a, b] = [await publisher(), await subscriber('x')];
    send(a, 1);
    expect((await b.next()).head).toEqual({ channel: 'x', time: clock.now() / 1000 });
  });

  it('is acknowledged at once when its store needs not to be waited for', async () => {
    await stage.broker();
    const a = await publisher();
    send(a, 1, kept);
    expect(acks(await arrived(a))).toEqual([{ done: [[1, 1]], failed: [] }]);
  });

  it('is acknowledged when it is durable, and reaches subscribers before that', async () => {
    const store = new SlowStore();
    await stage.broker({ store });
    const [a, b] = [await publisher(), await subscriber('x')];
    send(a, 1, kept);
    send(a, 2);
    expect(acks(await arrived(a))).toEqual([{ done: [[2, 2]], failed: [] }]);
    expect(bodies(await arrived(b))).toEqual([1, 2]);
    store.flush();
    expect(acks(await arrived(a))).toEqual([{ done: [[1, 1]], failed: [] }]);
  });

  it('is acknowledged too when it is older than what is kept, and then discarded', async () => {
    const broker = await stage.broker();
    const a = await publisher();
    send(a, 1, { ...kept, time: 100 });
    send(a, 2, { ...kept, time: 50 });
    expect(acks(await arrived(a))).toEqual([{ done: [[1, 2]], failed: [] }]);
    expect(broker.stats).toMatchObject({ discarded: 1 });
  });

  it('of a connection that did not ask for it is neither acknowledged nor told from others', async () => {
    await stage.broker();
    const [a, b] = [await publisher(['errors']), await subscriber('x')];
    send(a, 1);
    send(a, 1);
    expect(await arrived(a)).toEqual([]);
    expect(bodies(await arrived(b))).toEqual([1, 1]);
  });

  it('that is no number is refused', async () => {
    await stage.broker();
    const [a, b] = [await publisher(), await subscriber('x')];
    a.publish('x', '1', { '-id': 'nonsense' });
    expect(await arrived(a)).toMatchObject([{ head: { channel: '-control/error' }, body: { code: 'MALFORMED' } }]);
    expect(await arrived(b)).toEqual([]);
  });
});

describe('a message that comes again', () => {
  it('is applied once and acknowledged again, on the same connection and on another', async () => {
    const broker = await stage.broker();
    const b = await subscriber('x');
    const a = await publisher();
    send(a, 1);
    send(a, 2);
    send(a, 1);
    await arrived(a);
    a.cut();
    const again = await publisher();
    for (const n of [1, 2, 3]) send(again, n);
    expect(acks(await arrived(again))).toEqual([{ done: [[1, 3]], failed: [] }]);
    expect(bodies(await arrived(b))).toEqual([1, 2, 3]);
    expect(broker.stats).toMatchObject({ repeated: 3 });
  });

  it('while it is not durable yet is acknowledged when it is', async () => {
    const store = new SlowStore();
    await stage.broker({ store });
    const a = await publisher();
    send(a, 1, kept);
    await arrived(a);
    a.cut();
    const again = await publisher();
    send(again, 1, kept);
    expect(await arrived(again)).toEqual([]);
    store.flush();
    expect(acks(await arrived(again))).toEqual([{ done: [[1, 1]], failed: [] }]);
  });

  it('and was never made durable is told so, and applied when it comes a third time', async () => {
    const store = new SlowStore();
    await stage.broker({ store });
    const [a, b] = [await publisher(), await subscriber('x')];
    send(a, 1, kept);
    send(a, 1, kept);
    await arrived(a);
    store.fail(new SpokeError('STORE_FAILED', 'disk full'));
    const failed = { n: 1, code: 'STORE_FAILED', message: 'disk full', channel: 'x' };
    expect(acks(await arrived(a))).toMatchObject([{ done: [], failed: [failed, { n: 1, code: 'STORE_FAILED' }] }]);
    send(a, 1, kept);
    await arrived(a);
    store.flush();
    expect(acks(await arrived(a))).toEqual([{ done: [[1, 1]], failed: [] }]);
    expect(bodies(await arrived(b))).toEqual([1, 1]);
  });

  it('after a power cut is applied when it was not durable, and not when it was', async () => {
    const store = new SlowStore();
    const broker = await stage.broker({ store });
    const a = await publisher();
    send(a, 1, kept);
    send(a, 2, { ...kept, time: 100 }, 'y');
    await arrived(a);
    store.flush();
    send(a, 3, kept);
    await arrived(a);
    const rest = store.afterPowerCut();
    await broker.close();

    await stage.broker({ store: rest });
    const b = await subscriber('**');
    await arrived(b);
    const again = await publisher();
    for (const n of [1, 2, 3]) send(again, n, kept, n === 2 ? 'y' : 'x');
    await arrived(again);
    rest.flush();
    await arrived(again);
    // The value of the third alone is new.
    const values = (await arrived(b)).filter(({ head }) => head.channel === 'x' || head.channel === 'y');
    expect(bodies(values)).toEqual([3]);
  });

  it('after a power cut, refused before it, is refused again though a later one was stored', async () => {
    const store = new SlowStore();
    const limits = { keptMessages: 1 };
    const broker = await stage.broker({ store, limits });
    const a = await publisher();
    send(a, 1, kept);
    send(a, 2, kept, 'too much');
    send(a, 3, kept);
    await arrived(a);
    store.flush();
    const rest = store.afterPowerCut();
    await broker.close();

    await stage.broker({ store: rest, limits });
    const again = await publisher();
    for (const n of [1, 2, 3]) send(again, n, kept, n === 2 ? 'too much' : 'x');
    expect(acks(await arrived(again))).toMatchObject([
      {
        done: [
          [1, 1],
          [3, 3],
        ],
        failed: [{ n: 2, code: 'LIMIT_EXCEEDED' }],
      },
    ]);
  });

  it('a week later is new: nobody comes back so late', async () => {
    const store = new SlowStore();
    const broker = await stage.broker({ store });
    const a = await publisher();
    send(a, 1, kept);
    await arrived(a);
    store.flush();
    await arrived(a);
    await broker.close();
    const rest = store.afterPowerCut();
    await clock.advance(8 * 24 * 60 * 60 * 1000);
    await stage.broker({ store: rest });
    expect([...rest.notes()]).toEqual([]);
  });
});

describe('a message that is refused', () => {
  it('is answered with the reason, and with nothing else', async () => {
    const broker = await stage.broker({ limits: { keptMessages: 1 } });
    const [a, b] = [await publisher(), await subscriber('**')];
    send(a, 1, kept, 'a');
    send(a, 2, kept, 'b');
    send(a, 3, { time: clock.now() / 1000 + 1000 });
    const messages = await arrived(a);
    expect(acks(messages)).toMatchObject([
      {
        done: [[1, 1]],
        failed: [
          { n: 2, code: 'LIMIT_EXCEEDED', channel: 'b', message: expect.stringContaining('limits.keptMessages') },
          { n: 3, code: 'TIME_INVALID', channel: 'x' },
        ],
      },
    ]);
    expect(messages).toHaveLength(1);
    expect(bodies(await arrived(b))).toEqual([1]);
    expect(broker.stats).toMatchObject({ refused: 2 });
  });

  it('by the authorizer is answered too', async () => {
    await stage.broker({
      authorizer: { allows: (_, action, target) => action === 'subscribe' || target !== 'secret' },
    });
    const a = await publisher();
    send(a, 1, {}, 'secret');
    expect(acks(await arrived(a))).toMatchObject([{ done: [], failed: [{ n: 1, code: 'FORBIDDEN' }] }]);
  });

  it('unread is found out by asking what became of it', async () => {
    const store = new SlowStore();
    await stage.broker({ store, limits: { messageBytes: 1000 } });
    const a = await publisher();
    send(a, 1);
    a.publish('x', JSON.stringify('x'.repeat(2000)), { '-id': 'me:2' });
    send(a, 3, kept);
    expect(await arrived(a)).toMatchObject([
      { head: { channel: '-control/error' }, body: { code: 'LIMIT_EXCEEDED' } },
      { head: { channel: '-control/ack' }, body: { done: [[1, 1]] } },
    ]);
    const waiting = { origin: 'me', waiting: [[1, 3]] };
    a.publish('-control/waiting', JSON.stringify(waiting));
    expect(acks(await arrived(a))).toMatchObject([{ done: [[1, 1]], failed: [{ n: 2, code: 'LIMIT_EXCEEDED' }] }]);
    store.flush();
    expect(acks(await arrived(a))).toMatchObject([{ done: [[3, 3]] }]);
    for (const body of ['1', '{}', '{"origin": "me", "waiting": [[2, 1]]}', '{"origin": 1, "waiting": []}']) {
      a.publish('-control/waiting', body);
      expect(await arrived(a)).toMatchObject([{ body: { code: 'MALFORMED' } }]);
    }
  });
});

describe('acknowledgements', () => {
  it('come from the broker alone', async () => {
    await stage.broker();
    const [a, b] = [await publisher(), await subscriber('-control/*')];
    for (const raw of [a, await stage.raw()]) raw.publish('-control/ack', '{"done": [[1, 9]], "failed": []}');
    expect(await arrived(a)).toMatchObject([{ body: { code: 'FORBIDDEN', channel: '-control/ack' } }]);
    expect(await arrived(b)).toEqual([]);
  });

  it('cost nothing when the connection ended before they were sent', async () => {
    const store = new SlowStore();
    await stage.broker({ store });
    const a = await publisher();
    send(a, 1, kept);
    await clock.idle();
    a.cut();
    await clock.idle();
    store.flush();
    await clock.idle();
    const b = await subscriber('x');
    expect(bodies(await arrived(b))).toEqual([]);
  });
});

// Who gets what from a broker, seen by raw connections: what any program on the network may rely on.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { RawConnection, WireMessage } from '../../support/raw-connection.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
let a: RawConnection;
let b: RawConnection;

beforeEach(async () => {
  ({ stage, clock } = memoryStage());
  await stage.broker();
  [a, b] = [await stage.raw(), await stage.raw()];
});
afterEach(async () => stage.close());

const channels = (messages: readonly WireMessage[]) => messages.map((message) => message.head.channel);
const arrived = (raw: RawConnection) => raw.frames.rest.map((frame): WireMessage => JSON.parse(frame));

describe('a subscription', () => {
  it('gets the messages of its channel, with the time of their arrival, and no others', async () => {
    a.subscribe('x');
    await a.flush();
    b.publish('y', '1');
    b.publish('x', '{"n": [2]}');
    await clock.idle();
    expect(arrived(a)).toEqual([{ head: { channel: 'x', time: clock.now() / 1000 }, body: { n: [2] } }]);
  });

  it.each([
    ['**', ['', 'a', 'a/b', 'a/b/c', '*foo']],
    ['*', ['a', '*foo']],
    ['*/**', ['a', 'a/b', 'a/b/c', '*foo']],
    ['a/**', ['a', 'a/b', 'a/b/c']],
    ['a/**/c', ['a/b/c']],
    ['*foo', ['*foo']],
    ['', ['']],
  ])('to %p gets the channels that match it', async (pattern, expected) => {
    a.subscribe(pattern);
    await a.flush();
    for (const channel of ['', 'a', 'a/b', 'a/b/c', '*foo']) b.publish(channel);
    await clock.idle();
    expect(channels(arrived(a))).toEqual(expected);
  });

  it('is the same one in every spelling, and so are channels', async () => {
    a.subscribe('/foo//**/*/**/bar/');
    await a.flush();
    b.publish('foo//x/bar/', '1');
    expect(await a.next()).toMatchObject({ head: { channel: 'foo/x/bar' } });
    a.unsubscribe('foo/*/**/bar');
    await a.flush();
    b.publish('foo/x/bar', '2');
    await clock.idle();
    expect(arrived(a)).toEqual([]);
  });

  it('takes a wildcard in a published channel for an ordinary token', async () => {
    a.subscribe('a/x');
    a.subscribe('a/*');
    await a.flush();
    b.publish('a/*', '1');
    b.publish('a/**', '2');
    await clock.idle();
    expect(channels(arrived(a))).toEqual(['a/*', 'a/**']);
  });

  it('brings one copy of a message, however many patterns of a connection match it', async () => {
    for (const pattern of ['a/b', 'a/*', '**', 'a/**', 'a/b']) a.subscribe(pattern);
    await a.flush();
    b.publish('a/b', '1');
    await clock.idle();
    expect(await a.take(1)).toMatchObject([{ body: 1 }]);
    // One of them less changes nothing.
    a.unsubscribe('a/b');
    expect(await a.flush()).toEqual([]);
    b.publish('a/b', '2');
    await clock.idle();
    expect(arrived(a)).toMatchObject([{ body: 2 }]);
  });

  it('ends with unsubscribe, also when it was made twice', async () => {
    a.subscribe('x');
    a.subscribe('x');
    a.unsubscribe('x');
    await a.flush();
    b.publish('x');
    await clock.idle();
    expect(arrived(a)).toEqual([]);
  });

  it('ends with its connection, and unsubscribing from what was never subscribed harms nothing', async () => {
    const broker = await stage.broker({ listen: 'memory://other' });
    const [c, d] = [await stage.raw(), await stage.raw()];
    c.subscribe('x');
    c.subscribe('y/**');
    d.unsubscribe('x');
    await c.flush();
    await d.flush();
    c.cut();
    await clock.idle();
    d.publish('x');
    await d.flush();
    await clock.idle();
    expect(broker.stats).toMatchObject({ connections: 1, subscriptions: 0 });
  });

  it('sees messages in the order in which one connection published them', async () => {
    a.subscribe('**');
    await a.flush();
    for (let n = 0; n < 500; n++) b.publish(`c/${n % 7}`, String(n), n % 3 === 0 ? { persist: true } : {});
    const bodies = (await a.take(500)).map((message) => message.body);
    expect(bodies).toEqual(Array.from({ length: 500 }, (_, n) => n));
  });
});

describe('bounce', () => {
  it('true or absent: a message comes back to a sender that subscribed to it', async () => {
    a.subscribe('x');
    a.publish('x', '1');
    a.publish('x', '2', { bounce: true });
    expect((await a.take(2)).map((message) => message.body)).toEqual([1, 2]);
  });

  it('false: everyone but the sender gets it, and the key is gone', async () => {
    a.subscribe('x');
    b.subscribe('x');
    await a.flush();
    await b.flush();
    a.publish('x', '1', { bounce: false, note: 'kept' });
    await clock.idle();
    expect(arrived(a)).toEqual([]);
    expect(arrived(b)).toEqual([{ head: { channel: 'x', note: 'kept', time: clock.now() / 1000 }, body: 1 }]);
  });

  it('is gone from a message that says true as well', async () => {
    b.subscribe('x');
    await b.flush();
    a.publish('x', '1', { bounce: true });
    expect(Object.keys((await b.next()).head)).toEqual(['channel', 'time']);
  });
});

describe('the head', () => {
  it('reaches subscribers with every key it had', async () => {
    a.subscribe('x');
    await a.flush();
    b.publish('x', '1', { trace: 'abc', deep: { list: [1, null] }, time: 12.5 });
    expect((await a.next()).head).toEqual({ channel: 'x', trace: 'abc', deep: { list: [1, null] }, time: 12.5 });
  });

  it('may lack a time: the broker sets that of the arrival', async () => {
    a.subscribe('x');
    await a.flush();
    clock.set(1_800_000_000_250);
    b.publish('x');
    expect((await a.next()).head.time).toBe(1_800_000_000.25);
  });
});

describe('control messages', () => {
  it('are seen by a subscriber of **, after they have taken effect', async () => {
    a.subscribe('**');
    await a.flush();
    b.publish('-control/subscribe', '"x"');
    b.publish('-control/unsubscribe', '"x"');
    b.publish('-control/something/else', '{"a": 1}');
    await clock.idle();
    expect(arrived(a).map(({ head, body }) => [head.channel, body])).toEqual([
      ['-control/subscribe', 'x'],
      ['-control/unsubscribe', 'x'],
      ['-control/something/else', { a: 1 }],
    ]);
  });

  it('reach their sender as well, when it subscribed to them and does not say bounce: false', async () => {
    a.publish('-control/subscribe', '"-control/*"');
    expect(await a.next()).toMatchObject({ head: { channel: '-control/subscribe' }, body: '-control/*' });
  });

  it.each(['null', '5', '["x"]', '{"pattern": "x"}'])('with the body %s do nothing', async (body) => {
    a.publish('-control/subscribe', body);
    a.publish('-control/unsubscribe', body);
    await a.flush();
    b.publish('x');
    await clock.idle();
    expect(arrived(a)).toEqual([]);
  });

  it('of brokers cannot be sent by a client to deceive others', async () => {
    a.subscribe('**');
    await a.flush();
    b.publish('-control/welcome', '{"nonce": "1", "features": ["errors"]}');
    b.publish('-control/error', '{"code": "CLOSED", "message": "go away"}');
    await b.flush();
    expect(channels(arrived(a)).filter((channel) => /welcome|error/.test(channel))).toEqual([]);
  });
});

describe('the greeting of our clients', () => {
  it('is answered to that connection alone, with the features that both have', async () => {
    b.subscribe('**');
    await b.flush();
    a.publish('-control/hello', '{"nonce": "n1", "features": ["errors", "ping", "telepathy"]}', { bounce: false });
    const welcome = await a.next();
    expect(welcome).toMatchObject({
      head: { channel: '-control/welcome' },
      body: { nonce: 'n1', features: ['errors', 'ping'], server: expect.stringMatching(/^spoke\//) },
    });
    await clock.idle();
    expect(arrived(b)).toEqual([]);
  });

  it('is not needed: a connection that never greeted is never sent anything but what it subscribed to', async () => {
    a.publish('x', 'not json');
    a.publish('-control/subscribe', '5');
    a.publish('x', '1', { time: 1e300 });
    expect(await a.flush()).toEqual([]);
  });

  it.each(['null', '{}', '{"nonce": 1, "features": []}', '{"nonce": "n", "features": "errors"}', '"hello"'])(
    'with the body %s is refused and harms nothing',
    async (body) => {
      a.publish('-control/hello', body);
      expect(await a.flush()).toEqual([]);
    },
  );

  it('brings a ping back to its sender alone, after everything sent before', async () => {
    b.subscribe('**');
    await b.flush();
    a.publish('-control/hello', '{"nonce": "n", "features": ["ping"]}');
    a.subscribe('x');
    a.publish('x', '1');
    a.publish('-control/ping/me/1');
    expect(channels(await a.take(3))).toEqual(['-control/welcome', 'x', '-control/ping/me/1']);
    await clock.idle();
    expect(channels(arrived(b))).toEqual(['-control/subscribe', 'x']);
  });

  it('is no condition for a ping: without the feature it is routed like any message', async () => {
    a.subscribe('-control/ping/me/*');
    a.publish('-control/ping/me/1', '7');
    expect(await a.next()).toMatchObject({ head: { channel: '-control/ping/me/1' }, body: 7 });
  });

  it('said again takes the place of the first: who no longer promises a heartbeat is not ended for its silence', async () => {
    a.publish('-control/hello', '{"nonce": "1", "features": ["heartbeat"], "heartbeat": 1000}');
    a.publish('-control/hello', '{"nonce": "2", "features": []}');
    await a.take(2);
    await clock.advance(10_000);
    expect(a.isClosed).toBe(false);
  });
});

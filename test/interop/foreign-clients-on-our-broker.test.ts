import { afterEach, describe, expect, it } from '@jest/globals';
import type { BrokerOptions, Message } from 'spoke';
import { call, publish } from 'spoke';
import { Collector } from '../support/collector.js';
import type { IndependentClient } from '../support/independent-peer/index.js';
import { Scene } from './scene.js';

const scene = new Scene();
const peers: IndependentClient[] = [];

afterEach(async () => {
  await scene.close();
  for (const { complaints } of peers.splice(0)) expect(complaints).toEqual([]);
});

async function startBroker(options: BrokerOptions = {}) {
  const { broker, port, url } = await scene.broker(options);
  return {
    broker,
    port,
    url,
    peer: async (): Promise<IndependentClient> => {
      const peer = await scene.peer(port);
      peers.push(peer);
      return peer;
    },
  };
}

const isExtension = (channel: string) => /^-control\/(hello|welcome|error|ping\/)/.test(channel);
/** Of the control messages those that are about the test's own channels. */
const control = (peer: IndependentClient) =>
  peer.delivered.filter(({ channel, body }) => channel.startsWith('-control/') && !String(body).startsWith('test/'));
const onApp = (peer: IndependentClient) => peer.delivered.filter(({ channel }) => channel.startsWith('app'));
const bodiesOf = (peer: IndependentClient): unknown[] => onApp(peer).map(({ body }) => body);
const channelsOf = (peer: IndependentClient): string[] => peer.delivered.map(({ channel }) => channel);

describe('Clients of the peers on our broker', () => {
  it('hear each other through wildcards, in order, each message once', async () => {
    const { peer } = await startBroker();
    const [listener, talker] = [await peer(), await peer()];
    for (const pattern of ['app/*', 'app/**', '**/b', '/app//b/']) await listener.subscribe(pattern);
    await listener.roundTrip();
    for (let n = 0; n < 50; n++) await talker.publish(n % 2 === 0 ? 'app/b' : '//app/c/', n);
    await talker.publish('elsewhere', 'no');
    await talker.roundTrip();
    await listener.roundTrip();
    expect(bodiesOf(listener)).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  it('get bodies byte for byte as they were published', async () => {
    const { peer, port } = await startBroker();
    const [listener, raw] = [await peer(), await scene.raw(port)];
    await listener.subscribe('app');
    await listener.roundTrip();
    const texts = [
      '1.0',
      '12345678901234567890',
      '-0',
      '1E5',
      '"\\u00fc\\/"',
      '[ 1 ,2]',
      '{"b": 1, "a": 2, "b": 3}',
      '"ü"',
    ];
    for (const text of texts) raw.send(`{"head": {"channel": "app"}, "body": ${text}}\0`);
    await raw.roundTrip();
    await listener.roundTrip();
    const got = onApp(listener).map(({ text }) => text.slice(text.indexOf('"body": ') + 8, -1));
    expect(got).toEqual(texts);
  });

  it('get kept messages on subscribing, the newest of each channel, in the order of the channels', async () => {
    const { peer } = await startBroker();
    const [writer, reader] = [await peer(), await peer()];
    await writer.publish('app/b', 1, { persist: true });
    await writer.publish('app/a', 1, { persist: true });
    await writer.publish('app/b', 2, { persist: true });
    await writer.publish('app/b', 3, { persist: true, time: 1 });
    await writer.roundTrip();
    await reader.subscribe('app/**');
    await reader.roundTrip();
    expect(onApp(reader).map(({ channel, body }) => [channel, body])).toEqual([
      ['app/b', 2],
      ['app/a', 1],
    ]);
    await reader.subscribe('app/a');
    await reader.roundTrip();
    expect(bodiesOf(reader)).toEqual([2, 1, 1]);
  });

  it('call each other', async () => {
    const { peer } = await startBroker();
    const [provider, caller] = [await peer(), await peer()];
    await provider.provide('app/square', (x) => {
      if (x === 'bad') throw new Error('bad argument');
      return Number(x) ** 2;
    });
    await provider.roundTrip();
    expect(await Promise.all([2, 3, 4].map((x) => caller.call('app/square', x)))).toEqual([4, 9, 16]);
    await expect(caller.call('app/square', 'bad')).rejects.toThrow('bad argument');
  });

  it('come back after the broker was restarted, with all their subscriptions', async () => {
    const first = await startBroker();
    const listener = await first.peer();
    await listener.subscribe('app/**');
    await listener.roundTrip();
    await first.broker.close();
    const second = await startBroker({ listen: first.url });
    await listener.untilConnected(2);
    await listener.roundTrip();
    const talker = await second.peer();
    await talker.publish('app/x', 'again');
    await talker.roundTrip();
    await listener.roundTrip();
    expect(bodiesOf(listener)).toEqual(['again']);
  });

  it('leave nothing behind when they break off', async () => {
    const { broker, peer } = await startBroker();
    const [stays, goes] = [await peer(), await peer()];
    await goes.subscribe('app/**');
    await goes.roundTrip();
    goes.breakOff();
    await goes.untilConnected(2);
    await goes.close();
    // The end of a connection reaches the broker in its own time; each round trip gives it some.
    while (broker.stats.connections > 1) await stays.roundTrip();
    expect(broker.stats).toMatchObject({ connections: 1, subscriptions: 0, outboundBytes: 0 });
  });

  it('see the control messages of others, unknown ones too, and may make up their own', async () => {
    const { peer } = await startBroker();
    const [monitor, other] = [await peer(), await peer()];
    await monitor.subscribe('-control/**');
    await monitor.roundTrip();
    monitor.delivered.length = 0;
    await other.subscribe('app/x');
    await other.unsubscribe('app/x');
    await other.publish('-control/other/thing', { a: 1 });
    await other.publish('-control/ping/me/1', 'not ours');
    await other.roundTrip();
    await monitor.roundTrip();
    expect(control(monitor).map(({ channel, body }) => [channel, body])).toEqual([
      ['-control/subscribe', 'app/x'],
      ['-control/unsubscribe', 'app/x'],
      ['-control/other/thing', { a: 1 }],
      ['-control/ping/me/1', 'not ours'],
    ]);
  });

  it('are never sent an extension, whatever our clients do beside them', async () => {
    const { peer, url } = await startBroker();
    const monitor = await peer();
    await monitor.subscribe('**', () => {}, { bounce: false });
    await monitor.roundTrip();
    const { client } = await scene.client(url);
    await client.subscribe('app/a', () => {});
    await client.provide('app/f', () => 1);
    await client.call('app/f');
    await client.publish('app/a', 1, { persist: true });
    await client.flush();
    await publish('app/b', 2, { url });
    await call('app/f', null, { url });
    await client.close();
    await monitor.roundTrip();
    expect(channelsOf(monitor).filter(isExtension)).toEqual([]);
    // Subscriptions to what the program asked for, and to results of calls; nothing about pings.
    expect(control(monitor).length).toBeGreaterThan(0);
    for (const { body } of control(monitor)) expect(body).toMatch(/^(app\/|\*\*\/-rpc\/)/);
  });

  it('are never told that a message of theirs was refused', async () => {
    const { broker, peer, port } = await startBroker({
      limits: { messageBytes: 4096, subscriptions: 2, globstars: 2, keptMessages: 1, channelLength: 100 },
      authorizer: { allows: (_identity, _action, target) => !target.startsWith('secret') },
    });
    const watcher = await peer();
    await watcher.subscribe('**');
    await watcher.roundTrip();
    const raw = await scene.raw(port);
    raw.subscribe('**');
    await raw.roundTrip();
    const before = broker.stats.refused;
    const refused = [
      'nonsense\0',
      '{"head": {"channel": "app", "time": 1e12}, "body": 1}\0',
      '{"head": {"channel": "app", "time": "now"}, "body": 1}\0',
      '{"head": {"channel": "secret/x"}, "body": 1}\0',
      '{"head": {"channel": "-control/subscribe"}, "body": 5}\0',
      '{"head": {"channel": "-control/unsubscribe"}, "body": null}\0',
      '{"head": {"channel": "-control/subscribe"}, "body": "secret/**"}\0',
      '{"head": {"channel": "-control/subscribe"}, "body": "**/a/**/b/**/c"}\0',
      '{"head": {"channel": "-control/subscribe"}, "body": "third"}\0',
      `{"head": {"channel": "-control/subscribe"}, "body": "${'a/'.repeat(100)}"}\0`,
      '{"head": {"channel": "-control/hello"}, "body": null}\0',
      '{"head": {"channel": "-control/hello"}, "body": {"nonce": 1, "features": "errors"}}\0',
      '{"head": {"channel": "-control/welcome"}, "body": {"nonce": "x", "features": []}}\0',
      '{"head": {"channel": "-control/error"}, "body": {"code": "X", "message": "Y"}}\0',
      `{"head": {"channel": "app"}, "body": "${'x'.repeat(5000)}"}\0`,
      `{"head": {"channel": "${'x'.repeat(101)}"}, "body": 1}\0`,
      '{"head": {"channel": "app", "self": 1}, "body": 1}\0',
    ];
    for (const message of refused) {
      raw.send(message);
      await raw.roundTrip();
    }
    expect(broker.stats.refused - before).toBe(refused.length);
    expect(raw.messages.map((message) => message.replace(/"time": [0-9.]+/, '"time": 0'))).toEqual([
      '{"head": {"channel": "-control/subscribe", "time": 0}, "body": "**"}',
    ]);
    raw.send('{"head": {"channel": "app/one", "persist": true}, "body": 1}\0');
    raw.send('{"head": {"channel": "app/two", "persist": true}, "body": 2}\0');
    await raw.roundTrip();
    expect(raw.messages.slice(1).map((message) => message.includes('app/one'))).toEqual([true]);
    expect(raw.complaints).toEqual([]);
    await watcher.roundTrip();
    expect(channelsOf(watcher).filter((channel) => !channel.startsWith('test/'))).toEqual(
      expect.arrayContaining(['app/one']),
    );
    expect(channelsOf(watcher)).not.toContain('app');
    expect(channelsOf(watcher).filter(isExtension)).toEqual([]);
  });

  it('are told nothing either when others on the same broker asked to be told', async () => {
    const { peer, url } = await startBroker();
    const monitor = await peer();
    await monitor.subscribe('-control/**', () => {}, { bounce: false });
    await monitor.roundTrip();
    const { client, errors } = await scene.client(url);
    const told = new Promise<void>((resolve) => client.on('error', () => resolve()));
    await client.flush();
    await client.publish('app', 1, { time: 1e12 });
    await told;
    expect(errors).toMatchObject([{ code: 'TIME_INVALID' }]);
    await monitor.roundTrip();
    expect(channelsOf(monitor).filter(isExtension)).toEqual([]);
  });

  it('hear our clients and are heard by them', async () => {
    const { peer, url } = await startBroker();
    const theirs = await peer();
    const { client: ours } = await scene.client(url);
    const heard = new Collector<Message>();
    await ours.subscribe('app/from-peer/**', heard.add);
    await theirs.subscribe('app/from-us/**');
    await theirs.roundTrip();
    const value = { Grüße: ['✓', 1.5, null, { deep: [[[]]] }] };
    await ours.publish('app/from-us/x', value, { head: { trace: 1 } });
    await theirs.publish('app/from-peer/x', value, { trace: 2 });
    expect((await heard.next()).head).toMatchObject({ trace: 2 });
    await theirs.until(() => onApp(theirs).length === 1, 'a message of ours');
    expect(onApp(theirs)[0]).toMatchObject({ body: value, head: { trace: 1, time: expect.any(Number) } });
    expect(heard.items[0]?.body).toEqual(value);
  });
});

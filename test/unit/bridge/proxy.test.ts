// A read-only view of a private broker.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Client, Message, ProxyOptions } from 'spoke';
import { Proxy } from 'spoke';
import type { MemoryNetwork } from 'spoke/testing';
import { memoryNetwork } from 'spoke/testing';
import { PlainBroker } from '../../support/plain-broker.js';

let net: MemoryNetwork;
let inside: Client;
let proxy: Proxy;
beforeEach(async () => {
  net = memoryNetwork({ seed: 9 });
});
afterEach(async () => {
  await net.until(proxy.close());
  await net.close();
});

function make(options: Partial<ProxyOptions> = {}): Proxy {
  return new Proxy({
    url: 'memory://private',
    listen: 'memory://public',
    channels: ['weather/**', 'weather/*', 'status'],
    transports: [net.transport('proxy')],
    clock: net.clock,
    ...options,
  });
}

interface Visitor {
  readonly client: Client;
  readonly heard: (readonly [channel: string, body: unknown])[];
  readonly errors: string[];
}

async function visitor(...patterns: string[]): Promise<Visitor> {
  const client = await net.client({ to: 'public' });
  const heard: (readonly [string, unknown])[] = [];
  const errors: string[] = [];
  client.on('error', ({ code }) => errors.push(code));
  const hear = ({ channel, body }: Message) => heard.push([channel, body]);
  for (const pattern of patterns) await net.until(client.subscribe(pattern, hear));
  return { client, heard, errors };
}

describe.each([
  ['a broker of ours', async () => void (await net.broker({ name: 'private' }))],
  [
    'a broker of the peers',
    async () => void (await PlainBroker.start(net.transport('private'), 'memory://private', net.clock)),
  ],
])('a proxy of %s', (_what, start) => {
  beforeEach(async () => {
    await start();
    inside = await net.client({ to: 'private' });
    await inside.publish('weather/now', 'sun', { persist: true });
    await inside.publish('secret', 'hidden', { persist: true });
    proxy = make();
    await net.until(proxy.start());
  });

  it('shows the listed channels, kept and live, once each, and nothing else', async () => {
    const { heard } = await visitor('**');
    expect(heard).toEqual([['weather/now', 'sun']]);
    await inside.publish('weather/now', 'rain', { persist: true });
    await inside.publish('weather/tomorrow/noon', 'snow');
    await inside.publish('status', 'fine');
    await inside.publish('secret', 'still hidden');
    await inside.publish('statuses', 'no');
    await inside.subscribe('weather/x', () => {});
    await net.idle();
    expect(heard.slice(1)).toEqual([
      ['weather/now', 'rain'],
      ['weather/tomorrow/noon', 'snow'],
      ['status', 'fine'],
    ]);
    expect(proxy.status).toMatchObject({ connected: true, clients: 1, kept: { messages: 1 } });
  });

  it('ignores what is published, and says so to those who understand', async () => {
    const seen: unknown[] = [];
    await inside.subscribe('**', ({ channel, body }: Message) => seen.push([channel, body]), { bounce: false });
    await net.idle();
    seen.length = 0;
    const one = await visitor('**');
    const other = await visitor('**');
    const refused = net.until(one.client.publish('weather/now', 'hail', { persist: true }));
    await expect(refused).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await one.client.publish('status', 'hacked');
    await one.client.publish('-control/anything', 'x');
    await net.idle();
    expect(one.errors).toEqual(['FORBIDDEN', 'FORBIDDEN']);
    expect(other.heard).toEqual([['weather/now', 'sun']]);
    expect(
      seen.filter((each) => JSON.stringify(each).includes('hail') || JSON.stringify(each).includes('hacked')),
    ).toEqual([]);
    expect(proxy.status.refused).toBe(3);
  });

  it('shows nobody what others subscribe to', async () => {
    const { heard } = await visitor('**', '-control/**');
    heard.length = 0;
    const other = await visitor('weather/now');
    await other.client.close();
    await net.idle();
    expect(heard).toEqual([]);
  });

  it('goes on serving what is kept while the private broker is away', async () => {
    const events: boolean[] = [];
    proxy.on('connected', (connected) => events.push(connected));
    net.cut('proxy', 'private');
    net.partition(['proxy'], ['private']);
    await net.advance('1 min');
    expect(proxy.status.connected).toBe(false);
    const { heard } = await visitor('weather/*');
    expect(heard).toEqual([['weather/now', 'sun']]);
    await inside.publish('weather/now', 'fog', { persist: true });
    net.heal();
    await net.advance('30 s');
    expect(heard).toEqual([
      ['weather/now', 'sun'],
      ['weather/now', 'fog'],
    ]);
    expect(events).toEqual([false, true]);
  });
});

describe('a proxy', () => {
  it('has a single connection to the private broker, whatever public clients do', async () => {
    const broker = await net.broker({ name: 'private' });
    inside = await net.client({ to: 'private' });
    proxy = make({ limits: { outboundBytes: 200_000 } });
    await net.until(proxy.start());
    const slow = await visitor('**');
    const quick = await visitor('**');
    expect(broker.stats.connections).toBe(2);
    const states: string[] = [];
    slow.client.on('state', (state) => states.push(state));
    net.stall('client-2');
    for (let n = 0; n < 500; n++) await inside.publish('weather/now', `${n} ${'x'.repeat(1000)}`);
    await net.idle();
    expect(quick.heard).toHaveLength(500);
    expect(broker.stats).toMatchObject({ connections: 2, outboundBytes: 0 });
    expect(proxy.status.connected).toBe(true);
  });

  it('asks for what public clients want, and for what is kept', async () => {
    const broker = await net.broker({ name: 'private' });
    inside = await net.client({ to: 'private' });
    proxy = make();
    await net.until(proxy.start());
    await visitor('status');
    const before = broker.stats.received;
    await inside.publish('weather/now', 1);
    await inside.publish('status', 2);
    await inside.publish('weather/later', 3, { persist: true });
    await net.idle();
    expect(broker.stats.received - before).toBe(3);
    expect(proxy.status.received).toBe(2);
  });

  it('lets in whom the authenticator lets in', async () => {
    await net.broker({ name: 'private' });
    proxy = make({ authenticator: { authenticate: () => undefined } });
    await net.until(proxy.start());
    const refused = net.prepare({ to: 'public', reconnect: false });
    await expect(net.until(refused.connect().then(() => refused.flush()))).rejects.toMatchObject({
      code: expect.stringMatching(/CLOSED|CONNECTION_LOST/),
    });
    expect(proxy.status).toMatchObject({ connected: true, clients: 0 });
  });

  it('needs something to show', () => {
    expect(() => make({ channels: [] })).toThrow(TypeError);
    proxy = make();
  });

  it('leaves nothing open when it cannot listen', async () => {
    await net.broker({ name: 'private' });
    await net.broker({ name: 'public' });
    proxy = make();
    await expect(net.until(proxy.start())).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
  });
});

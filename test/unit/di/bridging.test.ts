// A bridge and a proxy from a container.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Container } from 'inversify';
import { Bridge, Broker, Client, createContainer, Proxy, TOKENS } from 'spoke';
import type { SpokeOptions, Transport } from 'spoke';
import { Collector } from '../../support/collector.js';
import { within } from '../../support/within.js';

let container: Container;
let office: Broker;
const ends: (() => Promise<unknown>)[] = [];

async function compose(options: Partial<SpokeOptions>): Promise<readonly Transport[]> {
  container = createContainer({ listen: 'memory://home', url: 'memory://home', timeout: 5000, ...options });
  const transports = container.getAll(TOKENS.Transport);
  office = await Broker.start({ listen: 'memory://office', transports });
  ends.push(() => office.close());
  return transports;
}

beforeEach(() => {
  ends.length = 0;
});
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  await container.unbindAllAsync();
});

describe('a container', () => {
  it('gives a bridge that joins its brokers, once, and ends it', async () => {
    const transports = await compose({ bridge: { url1: 'memory://home', url2: 'memory://office', codec2: 'msgpack' } });
    await container.getAsync(Broker);
    const bridge = await container.getAsync(Bridge);
    expect(await container.getAsync(Bridge)).toBe(bridge);
    expect(bridge.state).toBe('connected');
    const away = new Client({ url: 'memory://office', transports });
    ends.push(() => away.close());
    await away.connect({ timeout: 5000 });
    await away.provide('square', (x: number) => x * x);
    const client = await container.getAsync(Client);
    expect(await client.call('square', 7, { timeout: 5000 })).toBe(49);
    await within(container.unbindAllAsync(), 'the end of the container');
    expect(bridge.state).toBe('closed');
  });

  it('gives a proxy that shows what it is told', async () => {
    const transports = await compose({
      proxy: { url: 'memory://home', listen: 'memory://public', channels: ['a/**'] },
    });
    await container.getAsync(Broker);
    const client = await container.getAsync(Client);
    await client.publish('a/b', 1, { persist: true });
    await client.publish('b', 2, { persist: true });
    const proxy = await container.getAsync(Proxy);
    expect(proxy.addresses).toEqual(['memory://public']);
    const visitor = new Client({ url: 'memory://public', transports });
    ends.push(() => visitor.close());
    await visitor.connect({ timeout: 5000 });
    const heard = new Collector<unknown>();
    await visitor.subscribe('**', ({ body }) => heard.add(body));
    expect(heard.items).toEqual([1]);
  });

  it('says what is missing or wrong', async () => {
    await compose({});
    await expect(container.getAsync(Bridge)).rejects.toThrow('options.bridge says which brokers are to be joined');
    await expect(container.getAsync(Proxy)).rejects.toThrow('options.proxy says what is to be shown');
    const wrong = (options: object) => () => createContainer(options);
    expect(wrong({ bridge: { url1: 'memory://a' } })).toThrow('options.bridge.url2');
    expect(wrong({ bridge: { url1: 'memory://a', url2: 'memory://b', filter: 1 } })).toThrow('options.bridge.filter');
    expect(wrong({ proxy: { url: 'memory://a', listen: [] } })).toThrow('options.proxy.channels');
  });
});

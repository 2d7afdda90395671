import { afterEach, describe, expect, it } from '@jest/globals';
import type { Message, StoredMessage } from 'spoke';
import { MemoryStore } from 'spoke';
import { Collector } from '../support/collector.js';
import type { RawPeer } from '../support/independent-peer/index.js';
import { Scene } from './scene.js';

const scene = new Scene();
afterEach(async () => {
  await scene.close();
});

// Transports read into one buffer again and again. What is kept of a message must be a copy, or the next message that is
// read to the same place is taken for it.
describe('A message that comes alone, after others of equal length in the same place of the buffer', () => {
  const channels = ['one', 'one', 'one', 'two', 'two', 'two', 'six', 'one', 'ten', 'two', 'six', 'ten'];

  it('goes to the subscribers of its own channel through the broker', async () => {
    const { port } = await scene.broker();
    const talker = await scene.raw(port);
    const everything = await scene.raw(port);
    everything.subscribe('*');
    await everything.roundTrip();
    const listeners = new Map<string, RawPeer>();
    for (const channel of new Set(channels)) {
      const listener = await scene.raw(port);
      listener.subscribe(channel);
      await listener.roundTrip();
      listeners.set(channel, listener);
    }
    for (const [n, channel] of channels.entries()) {
      talker.send(`{"head": {"channel": "${channel}"}, "body": ${n}}\0`);
      // Nothing more is sent before it was read, so that each is alone.
      await everything.until(() => everything.messages.length > n, `message ${n}`);
    }
    for (const [channel, listener] of listeners) {
      await listener.roundTrip();
      const bodies = listener.messages.map((message): number => JSON.parse(message).body);
      expect(bodies).toEqual([...channels.keys()].filter((n) => channels[n] === channel));
    }
  });

  it('reaches the subscription of its own channel in the client', async () => {
    const server = await scene.foreignServer();
    const { client } = await scene.client(server.url);
    const heard = new Collector<Message>('messages');
    for (const channel of new Set(channels)) await client.subscribe(channel, heard.add);
    for (const [n, channel] of channels.entries()) {
      const time = `1795344144.${100 + n}`;
      server.connections[0]?.inject(`{"head": {"channel": "${channel}", "time": ${time}}, "body": ${100 + n}}\0`);
      expect(await heard.next()).toMatchObject({ channel, time: Number(time), body: 100 + n });
    }
  });
});

describe('A kept message', () => {
  it('is held as its own bytes, not as a part of something bigger', async () => {
    const kept: StoredMessage[] = [];
    class Store extends MemoryStore {
      override put(message: StoredMessage) {
        kept.push(message);
        return super.put(message);
      }
    }
    const { url } = await scene.broker({ store: new Store() });
    const { client } = await scene.client(url);
    for (const channel of ['a', 'b']) await client.publish(channel, 1, { persist: true });
    await client.flush();
    expect(kept.map(({ frame }) => frame.buffer.byteLength)).toEqual(kept.map(({ frame }) => frame.length));
  });
});

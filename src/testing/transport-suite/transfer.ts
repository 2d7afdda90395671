// Bytes arrive as they were sent.

import assert from 'node:assert/strict';
import { ByteStream } from './byte-stream.js';
import type { End } from './end.js';
import { checking, Sender } from './sender.js';
import type { Scenario } from './stage.js';

const MiB = 1024 * 1024;

export function transferScenarios(scenario: Scenario): void {
  scenario('10 MB in odd-sized chunks arrive whole and in order, both ways at once', async (stage) => {
    const total = 10 * MiB;
    const up = new Sender(1, total);
    const down = new Sender(2, total);
    const { client, server } = await stage.pair(
      { keep: false, data: checking(2), drain: up.go },
      { keep: false, data: checking(1), drain: down.go },
    );
    client.start();
    up.go(client);
    down.go(server);
    await server.untilReceived(total);
    await client.untilReceived(total);
    for (const end of [client, server]) {
      await end.until('has its last drain', () => end.drains === end.stops);
    }
    await stage.letTimePass();
    for (const end of [client, server]) {
      assert.equal(end.connection.pendingBytes, 0);
    }
  });

  scenario('boundaries are as declared', async (stage) => {
    const { client, server } = await stage.pair();
    const stream = new ByteStream(3);
    const sizes = new ByteStream(4);
    const sent = Array.from({ length: 200 }, () => stream.take(sizes.size(2_000)));
    client.start();
    for (const chunk of sent) client.send(chunk);
    await server.untilReceived(stream.position);
    if (client.connection.boundaries === 'message') assert.deepEqual(server.chunks, sent);
    else assert.deepEqual(server.received, Buffer.concat(sent));
  });

  scenario('one chunk of 5 MB', async (stage) => {
    const { client, server } = await stage.pair({}, { keep: false, data: checking(5) });
    client.start().send(new ByteStream(5).take(5 * MiB));
    await server.untilReceived(5 * MiB);
  });

  scenario('1,000 single bytes', async (stage) => {
    const { client, server } = await stage.pair({}, { data: checking(6) });
    const stream = new ByteStream(6);
    client.start();
    for (let i = 0; i < 1_000; i++) client.send(stream.take(1));
    await server.untilReceived(1_000);
  });

  scenario('sending nothing does nothing', async (stage) => {
    const { client, server } = await stage.pair();
    client.start();
    assert.equal(client.send(new Uint8Array(0)), true);
    assert.equal(client.connection.pendingBytes, 0);
    client.send(Uint8Array.of(1));
    client.send(new Uint8Array(0));
    client.send(Uint8Array.of(2));
    await server.untilReceived(2);
    assert.deepEqual([...server.received], [1, 2]);
  });

  scenario('a part of a larger buffer is sent as that part', async (stage) => {
    const { client, server } = await stage.pair();
    const whole = new ByteStream(7).take(1_000);
    client.start().send(whole.subarray(100, 200));
    client.send(Buffer.from(whole.buffer, 900, 50));
    await server.untilReceived(150);
    assert.deepEqual(server.received, Buffer.concat([whole.subarray(100, 200), whole.subarray(900, 950)]));
  });

  scenario('one buffer sent to two connections arrives at both and stays as it was', async (stage) => {
    const one = await stage.pair();
    const two = await stage.pairAgain();
    const buffer = new ByteStream(8).take(MiB);
    const copy = buffer.slice();
    for (const { client } of [one, two]) {
      client.start();
      client.send(buffer);
      client.send(buffer);
    }
    for (const { server } of [one, two]) {
      await server.untilReceived(2 * MiB);
      assert(Buffer.concat([copy, copy]).equals(server.received), 'it arrived changed');
    }
    assert(Buffer.from(copy).equals(buffer), 'the sent buffer was changed');
  });

  scenario('a connection that releases chunks has no need of them when nothing is pending', async (stage) => {
    const { client, server } = await stage.pair({}, { data: checking(9) });
    const stream = new ByteStream(9);
    client.start();
    if (client.connection.releases !== true) return;
    for (let i = 0; i < 100; i++) {
      const chunk = stream.take(1_000);
      client.send(chunk);
      if (client.connection.pendingBytes === 0) chunk.fill(0);
    }
    await server.untilReceived(100_000);
  });

  scenario('ends that answer from inside data take turns', async (stage) => {
    const rounds = 100;
    const reply = (end: End, chunk: Uint8Array) => {
      const [round = 0] = chunk;
      if (round < rounds) end.send(Uint8Array.of(round + 1));
    };
    const { client, server } = await stage.pair({ data: reply }, { data: reply });
    client.start().send(Uint8Array.of(1));
    await server.untilReceived(rounds / 2);
    await client.untilReceived(rounds / 2);
    assert.deepEqual(
      [...server.received],
      Array.from({ length: rounds / 2 }, (_, i) => 2 * i + 1),
    );
  });
}

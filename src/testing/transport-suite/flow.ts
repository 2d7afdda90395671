// A receiver that cannot keep up stops the sender; nothing is lost, and nobody waits for ever.

import assert from 'node:assert/strict';
import { SpokeError } from '../../contracts/index.js';
import type { End } from './end.js';
import { checking, Sender } from './sender.js';
import type { Scenario, Stage } from './stage.js';

const MiB = 1024 * 1024;
const CHUNK = new Uint8Array(64 * 1024).fill(42);
/** More than any system holds on its own for one connection. */
const TOO_MUCH = 64 * MiB;

/**
 * Sends until `send` has returned `false` and stays with it, or the connection has ended (a `drain` may come before the
 * system is full, and its handler may end it). Returns how many bytes were taken.
 */
export async function sendUntilStopped(stage: Stage, end: End): Promise<number> {
  let sent = 0;
  while (true) {
    while (!end.blocked && end.reason === undefined) {
      assert(sent < TOO_MUCH, `${sent} bytes were taken although the receiver is paused`);
      sent += CHUNK.length;
      end.send(CHUNK);
    }
    await stage.letTimePass();
    if (end.blocked || end.reason !== undefined) return sent;
  }
}

export function flowScenarios(scenario: Scenario): void {
  scenario('pause stops the sender; resume brings one drain and everything that was sent', async (stage) => {
    const { client, server } = await stage.pair({}, { keep: false });
    client.start();
    let sent = 0;
    // Twice, because a second drain is another matter than the first.
    for (let cycle = 0; cycle < 2; cycle++) {
      server.pause();
      sent += await sendUntilStopped(stage, client);
      const { receivedBytes } = server;
      await stage.letTimePass();
      assert.equal(server.receivedBytes, receivedBytes, 'a paused end was given bytes');
      // Nothing is said of `pendingBytes` here: a system that is slow to fill up may have taken all of it since.
      const { stops } = client;
      server.resume();
      await client.until('is told that there is room', () => client.drains === stops);
      await server.untilReceived(sent);
    }
    await stage.letTimePass();
    assert.equal(client.drains, client.stops, 'each false has one drain');
    assert.equal(client.connection.pendingBytes, 0);
  });

  scenario('a paused connection holds up neither its other direction nor its neighbours', async (stage) => {
    const { client, server } = await stage.pair();
    client.start();
    server.pause();
    await sendUntilStopped(stage, client);
    server.send(Uint8Array.of(1, 2, 3));
    await client.untilReceived(3);
    const neighbour = await stage.pairAgain();
    neighbour.client.start().send(Uint8Array.of(4));
    await neighbour.server.untilReceived(1);
  });

  scenario('bytes are also taken from a sender that does not stop', async (stage) => {
    const chunks = 512;
    const { client, server } = await stage.pair({}, { keep: false });
    client.start();
    server.pause();
    for (let i = 0; i < chunks; i++) client.send(CHUNK);
    assert(client.connection.pendingBytes > 0);
    server.resume();
    await server.untilReceived(chunks * CHUNK.length);
    await client.until('is told that there is room', () => client.drains === client.stops);
    await stage.letTimePass();
    assert.equal(client.connection.pendingBytes, 0);
    assert.equal(client.send(Uint8Array.of(1)), true);
  });

  scenario('pause before start holds, resume begins', async (stage) => {
    const { client, server } = await stage.pair({}, { manual: true });
    client.start().send(Uint8Array.of(1));
    server.pause();
    server.start();
    await stage.letTimePass();
    assert.equal(server.receivedBytes, 0);
    server.resume();
    await server.untilReceived(1);
  });

  scenario('pause right after start, or right after resume, holds as well', async (stage) => {
    const { client, server } = await stage.pair({}, { manual: true });
    client.start();
    for (const begin of [() => void server.start(), () => server.resume()]) {
      begin();
      server.pause();
      client.send(Uint8Array.of(1));
      await stage.letTimePass();
      // What was read already may still have come.
      const { receivedBytes } = server;
      client.send(Uint8Array.of(2));
      await stage.letTimePass();
      assert.equal(server.receivedBytes, receivedBytes, 'a paused end was given bytes');
    }
    server.resume();
    await server.untilReceived(4);
  });

  scenario('pause and resume may be called any number of times', async (stage) => {
    const { client, server } = await stage.pair();
    client.start();
    server.resume();
    server.pause();
    server.pause();
    server.resume();
    client.send(Uint8Array.of(1));
    await server.untilReceived(1);
    server.resume();
    client.send(Uint8Array.of(2));
    await server.untilReceived(2);
    assert.deepEqual([...server.received], [1, 2]);
  });

  scenario('a receiver that pauses at every chunk gets all of it in order', async (stage) => {
    const total = 2 * MiB;
    const sender = new Sender(9, total);
    const check = checking(9);
    const { client, server } = await stage.pair(
      { drain: sender.go },
      {
        keep: false,
        data(end, chunk) {
          check(end, chunk);
          end.pause();
          // Both kinds: still inside the call, and after it.
          if (chunk.length % 2 === 0) end.resume();
          else queueMicrotask(() => end.resume());
        },
      },
    );
    client.start();
    sender.go(client);
    await server.untilReceived(total);
  });

  scenario('what is taken at once brings no drain', async (stage) => {
    const { client, server } = await stage.pair();
    client.start();
    for (let i = 1; i <= 3; i++) {
      client.send(CHUNK.subarray(0, 32 * 1024));
      await server.untilReceived(i * 32 * 1024);
      await stage.letTimePass();
      assert.equal(client.drains, client.stops);
    }
  });

  scenario('there is no drain after close', async (stage) => {
    const { client, server } = await stage.pair({}, { keep: false });
    client.start();
    server.pause();
    const sent = await sendUntilStopped(stage, client);
    const { drains } = client;
    client.close();
    server.resume();
    await server.untilReceived(sent);
    await client.untilClosed();
    await stage.letTimePass();
    assert.equal(client.drains, drains);
  });

  scenario('there is no drain after abort', async (stage) => {
    const { client, server } = await stage.pair({}, { keep: false });
    client.start();
    server.pause();
    await sendUntilStopped(stage, client);
    const { drains } = client;
    client.abort(new SpokeError('SLOW_CONSUMER', 'it does not read'));
    server.resume();
    await client.untilClosed();
    await server.untilClosed();
    await stage.letTimePass();
    assert.equal(client.drains, drains);
  });

  scenario('room that comes before start is told after it', async (stage) => {
    const { client, server } = await stage.pair({}, { keep: false });
    server.pause();
    const sent = await sendUntilStopped(stage, client);
    server.resume();
    await server.untilReceived(sent);
    await stage.letTimePass();
    client.start();
    await client.until('is told that there is room', () => client.drains === 1);
    await stage.letTimePass();
    assert.equal(client.drains, 1);
  });
}

// What becomes of queued bytes, and which reason each side is given.

import assert from 'node:assert/strict';
import { SpokeError } from '../../contracts/index.js';
import { ByteStream } from './byte-stream.js';
import type { End } from './end.js';
import { sendUntilStopped } from './flow.js';
import { checking } from './sender.js';
import type { Scenario } from './stage.js';

const MiB = 1024 * 1024;
const CHUNK = new Uint8Array(64 * 1024).fill(42);

/** The other side of an abort: some wires can tell it from a good end, and some cannot. */
export function assertCutOff(end: End): void {
  const { reason } = end;
  assert(reason, `${end.name} is still open`);
  if (reason.by === 'remote') return;
  assert.equal(reason.by, 'error');
  assert.equal(reason.error?.code, 'CONNECTION_LOST');
  assert.equal(reason.error.retryable, true);
}

export function endingScenarios(scenario: Scenario): void {
  scenario('close first sends what is queued, however long the other side takes to read it', async (stage) => {
    const { client, server } = await stage.pair({}, { keep: false, data: checking(10) });
    client.start();
    server.pause();
    const stream = new ByteStream(10);
    for (let i = 0; i < 12; i++) client.send(stream.take(MiB));
    client.close();
    await stage.letTimePass();
    server.resume();
    assert.equal((await server.untilClosed()).by, 'remote');
    assert.equal(server.receivedBytes, 12 * MiB);
    assert.deepEqual(await client.untilClosed(), { by: 'local' });
  });

  scenario('close sends what is queued also while the other side is sending', async (stage) => {
    const flood = (end: End) => {
      while (end.reason === undefined && !end.blocked && end.send(CHUNK));
    };
    const { client, server } = await stage.pair({ keep: false }, { keep: false, drain: flood });
    client.start();
    flood(server);
    await client.until('is flooded', () => client.receivedBytes > MiB);
    for (let i = 0; i < 64; i++) client.send(CHUNK);
    client.close();
    assert.equal((await server.untilClosed()).by, 'remote');
    assert.equal(server.receivedBytes, 64 * CHUNK.length);
    assert.deepEqual(await client.untilClosed(), { by: 'local' });
  });

  scenario('abort drops what is queued and reports its error', async (stage) => {
    const { client, server } = await stage.pair({}, { keep: false });
    client.start();
    server.pause();
    let sent = await sendUntilStopped(stage, client);
    for (let i = 0; i < 64; i++) {
      sent += CHUNK.length;
      client.send(CHUNK);
    }
    const error = new SpokeError('SLOW_CONSUMER', 'it does not read');
    client.abort(error);
    assert.equal(client.send(CHUNK), false);
    server.resume();
    assert.deepEqual(await client.untilClosed(), { by: 'error', error });
    assert.equal(client.reason?.error, error);
    assert.equal(client.connection.pendingBytes, 0);
    await server.untilClosed();
    assertCutOff(server);
    assert(server.receivedBytes < sent, 'all that was queued arrived');
  });

  scenario('the first abort counts, and close after it changes nothing', async (stage) => {
    const { client, server } = await stage.pair();
    const error = new SpokeError('MALFORMED', 'the first');
    client.start();
    client.abort(error);
    client.abort(new SpokeError('CLOSED', 'the second'));
    client.close();
    assert.equal((await client.untilClosed()).error, error);
    await server.untilClosed();
    assertCutOff(server);
  });

  scenario('abort cuts a close short that has still to send', async (stage) => {
    const { client, server } = await stage.pair({}, { keep: false });
    client.start();
    server.pause();
    await sendUntilStopped(stage, client);
    const error = new SpokeError('CLOSED', 'no patience left');
    client.close();
    client.abort(error);
    assert.equal((await client.untilClosed()).error, error);
    server.resume();
    await server.untilClosed();
    assertCutOff(server);
  });

  scenario('abort right after close, with nothing to send, ends as well', async (stage) => {
    const { client, server } = await stage.pair();
    const error = new SpokeError('CLOSED', 'no patience at all');
    client.start();
    client.close();
    client.abort(error);
    assert.equal((await client.untilClosed()).error, error);
    await server.untilClosed();
  });

  scenario('an other side that vanishes in the middle ends the connection once', async (stage) => {
    const go = (end: End) => {
      while (end.reason === undefined && !end.blocked && end.send(CHUNK));
    };
    const { client, server } = await stage.pair({ keep: false, drain: go }, { keep: false, drain: go });
    client.start();
    go(client);
    go(server);
    await client.until('is in the middle of it', () => client.receivedBytes > MiB);
    server.abort(new SpokeError('CLOSED', 'gone'));
    await client.untilClosed();
    assertCutOff(client);
    await stage.letTimePass();
  });

  scenario('an other side that vanishes ends an idle connection', async (stage) => {
    const { client, server } = await stage.pair();
    client.start();
    server.abort(new SpokeError('CLOSED', 'gone'));
    await client.untilClosed();
    assertCutOff(client);
  });
}

// How connections and endpoints come to be.

import assert from 'node:assert/strict';
import { SpokeError } from '../../contracts/index.js';
import type { Scenario } from './stage.js';

const CONNECTIONS = 200;

/** For `assert.rejects`: a SpokeError of this code whose text says more than the code. */
export function spokeError(code: SpokeError['code'], retryable?: boolean): (error: unknown) => boolean {
  return (error) => {
    assert(error instanceof SpokeError, `expected a SpokeError, got ${String(error)}`);
    assert.equal(error.code, code, error.message);
    assert(error.message.length > 0);
    if (retryable !== undefined) assert.equal(error.retryable, retryable, `retryable of: ${error.message}`);
    return true;
  };
}

export function openingScenarios(scenario: Scenario): void {
  scenario('a listener says where it can be reached, and both ends learn of each other', async (stage) => {
    const { client, server } = await stage.pair();
    assert.equal(client.connection.boundaries, server.connection.boundaries);
    assert.match(client.connection.peer.address, /^[a-z][a-z0-9+.-]*:\/\/./);
    assert.match(server.connection.peer.address, /^[a-z][a-z0-9+.-]*:\/\/./);
  });

  scenario('connecting to nobody fails with CONNECT_FAILED, worth trying again', async (stage) => {
    const listener = await stage.listen();
    await listener.close();
    await assert.rejects(stage.connect(listener), spokeError('CONNECT_FAILED', true));
  });

  scenario('an address that is taken is ADDRESS_IN_USE, and whoever has it goes on', async (stage) => {
    const { client, server, listener } = await stage.pair();
    await assert.rejects(stage.listen({ url: listener.address }), spokeError('ADDRESS_IN_USE'));
    client.start().send(Uint8Array.of(1));
    await server.untilReceived(1);
    await stage.connect(listener);
    await stage.acceptedOne(1);
  });

  scenario('200 connections at once each get their own answer', async (stage) => {
    const listener = await stage.listen({ data: (end, chunk) => void end.send(chunk.slice()) });
    const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => stage.connect(listener)));
    for (const [index, client] of clients.entries()) client.start().send(Uint8Array.of(index, index >> 8, 7));
    for (const [index, client] of clients.entries()) {
      await client.untilReceived(3);
      assert.deepEqual([...client.received], [index & 0xff, index >> 8, 7]);
    }
    for (const client of clients) client.close();
    for (const client of clients) assert.equal((await client.untilClosed()).by, 'local');
    for (const server of stage.accepted) await server.untilClosed();
    assert.equal(stage.accepted.length, CONNECTIONS);
  });

  scenario('a signal aborted beforehand stops connect', async (stage) => {
    const listener = await stage.listen();
    await assert.rejects(stage.connect(listener, {}, AbortSignal.abort()), spokeError('ABORTED'));
    await stage.connect(listener);
    await stage.acceptedOne(0);
    assert.equal(stage.accepted.length, 1, 'the aborted attempt reached the listener');
  });

  scenario('a signal aborted while connecting stops it and leaves nothing behind', async (stage) => {
    const listener = await stage.listen();
    const abort = new AbortController();
    const attempt = stage.connect(listener, {}, abort.signal);
    abort.abort(new Error('changed my mind'));
    await assert.rejects(attempt, spokeError('ABORTED'));
    // The next one is served; whatever the attempt may have opened on the other side has ended or will.
    const client = (await stage.connect(listener)).start();
    await stage.until('the second connection is accepted', () =>
      stage.accepted.some((end) => end.reason === undefined),
    );
    client.send(Uint8Array.of(1));
    await stage.until('it is served', () => stage.accepted.some((end) => end.receivedBytes === 1));
    for (const end of stage.accepted) if (end.receivedBytes === 0) await end.untilClosed();
  });

  scenario('a signal aborted later does nothing to the connection or the listener', async (stage) => {
    const abort = new AbortController();
    const listener = await stage.listen({}, abort.signal);
    const client = (await stage.connect(listener, {}, abort.signal)).start();
    const server = await stage.acceptedOne(0);
    abort.abort();
    client.send(Uint8Array.of(1));
    await server.untilReceived(1);
    await stage.connect(listener);
    await stage.acceptedOne(1);
  });

  scenario('a signal aborted before or while listening leaves the address free', async (stage) => {
    const first = await stage.listen();
    const url = first.address;
    await first.close();
    await assert.rejects(stage.listen({ url }, AbortSignal.abort()), spokeError('ABORTED'));
    const abort = new AbortController();
    const attempt = stage.listen({ url }, abort.signal);
    abort.abort();
    await assert.rejects(attempt, spokeError('ABORTED'));
    const listener = await stage.listen({ url });
    await stage.connect(listener);
    await stage.acceptedOne(0);
  });

  scenario('a closed listener keeps what it accepted, accepts no more, and frees its address', async (stage) => {
    const { client, server, listener } = await stage.pair();
    client.start();
    await listener.close();
    await assert.rejects(stage.connect(listener), spokeError('CONNECT_FAILED', true));

    client.send(Uint8Array.of(1, 2));
    await server.untilReceived(2);
    server.send(Uint8Array.of(3));
    await client.untilReceived(1);

    // While the old connection is still open.
    const next = await stage.listen({ url: listener.address });
    assert.equal(next.address, listener.address);
    await stage.connect(next);
    await stage.acceptedOne(1);
  });

  scenario('a listener may be closed any number of times', async (stage) => {
    const listener = await stage.listen();
    await Promise.all([listener.close(), listener.close()]);
    await listener.close();
    const next = await stage.listen({ url: listener.address });
    // The first one has nothing to do with it any more.
    await listener.close();
    await stage.connect(next);
    await stage.acceptedOne(0);
  });
}

// start, close, and what may come when.

import assert from 'node:assert/strict';
import { SpokeError } from '../../contracts/index.js';
import type { Scenario } from './stage.js';

export function lifeCycleScenarios(scenario: Scenario): void {
  scenario('what was sent before start arrives after it', async (stage) => {
    const { client, server } = await stage.pair({}, { manual: true });
    client.send(Uint8Array.of(1, 2, 3));
    client.start().send(Uint8Array.of(4));
    server.start();
    await server.untilReceived(4);
    assert.deepEqual([...server.received], [1, 2, 3, 4]);
  });

  scenario('the second start is a TypeError, and the connection goes on', async (stage) => {
    const { client, server } = await stage.pair();
    client.start();
    assert.throws(() => client.connection.start({ data() {}, drain() {}, close() {} }), TypeError);
    server.send(Uint8Array.of(5));
    await client.untilReceived(1);
    assert.deepEqual([...client.received], [5]);
  });

  scenario('close by one side: that side sees local, the other one remote', async (stage) => {
    const byClient = await stage.pair();
    const byServer = await stage.pairAgain();
    for (const [one, other] of [
      [byClient.client, byClient.server],
      [byServer.server, byServer.client],
    ] as const) {
      for (const end of [one, other]) if (!end.started) end.start();
      one.close();
      one.close();
      assert.deepEqual(await one.untilClosed(), { by: 'local' });
      assert.deepEqual(await other.untilClosed(), { by: 'remote' });
    }
  });

  scenario('close by both sides at once ends both in good order', async (stage) => {
    const { client, server } = await stage.pair();
    client.start();
    client.close();
    server.close();
    for (const end of [client, server]) assert.notEqual((await end.untilClosed()).by, 'error');
  });

  scenario('close from inside data: nothing more is delivered', async (stage) => {
    let calls = 0;
    const { client, server } = await stage.pair(
      {},
      {
        data(end) {
          calls++;
          end.close();
        },
      },
    );
    client.start();
    for (let i = 0; i < 100; i++) client.send(new Uint8Array(10_000));
    assert.equal((await server.untilClosed()).by, 'local');
    await client.untilClosed();
    assert.equal(calls, 1);
  });

  scenario('abort from inside data: nothing more is delivered', async (stage) => {
    let calls = 0;
    const enough = new SpokeError('MALFORMED', 'enough');
    const { client, server } = await stage.pair(
      {},
      {
        data(end) {
          calls++;
          end.abort(enough);
        },
      },
    );
    client.start();
    for (let i = 0; i < 100; i++) client.send(new Uint8Array(10_000));
    assert.equal((await server.untilClosed()).error, enough);
    await client.untilClosed();
    assert.equal(calls, 1);
  });

  scenario('a connection that was never started can be closed', async (stage) => {
    const { client, server } = await stage.pair();
    client.close();
    assert.equal((await server.untilClosed()).by, 'remote');
  });

  scenario('a connection that was never started can be aborted', async (stage) => {
    const { client, server } = await stage.pair();
    client.abort(new SpokeError('CLOSED', 'not wanted'));
    await server.untilClosed();
  });

  scenario('an end that was closed before start still reports its close', async (stage) => {
    const { client, server } = await stage.pair();
    client.close();
    await server.untilClosed();
    client.start();
    assert.equal((await client.untilClosed()).by, 'local');

    const other = await stage.pairAgain();
    const error = new SpokeError('CLOSED', 'not wanted');
    other.client.abort(error);
    await other.server.untilClosed();
    other.client.start();
    assert.equal((await other.client.untilClosed()).error, error);
  });

  scenario('an end that starts after the other side has left gets what was sent, then the end', async (stage) => {
    const { client, server } = await stage.pair({}, { manual: true });
    client.start().send(Uint8Array.of(1, 2, 3));
    client.close();
    server.start();
    assert.equal((await server.untilClosed()).by, 'remote');
    assert.deepEqual([...server.received], [1, 2, 3]);
    await client.untilClosed();
  });

  scenario('after the end every method may be called, and nothing comes of it', async (stage) => {
    const { client, server } = await stage.pair();
    client.start();
    server.close();
    for (const end of [client, server]) {
      await end.untilClosed();
      assert.equal(end.send(Uint8Array.of(1)), false);
      assert.equal(end.connection.pendingBytes, 0);
      end.pause();
      end.resume();
      end.close();
      end.abort(new SpokeError('CLOSED', 'too late'));
      assert.equal(end.send(Uint8Array.of(1)), false);
    }
    const other = await stage.pairAgain();
    other.client.start().send(Uint8Array.of(1));
    await other.server.untilReceived(1);
    assert.equal(client.receivedBytes + server.receivedBytes, 0);
  });

  scenario('send after close returns false, never throws, and sends nothing', async (stage) => {
    const { client, server } = await stage.pair();
    client.start().send(Uint8Array.of(1));
    client.close();
    for (let i = 0; i < 10; i++) assert.equal(client.send(Uint8Array.of(2)), false);
    assert.equal((await server.untilClosed()).by, 'remote');
    assert.deepEqual([...server.received], [1]);
    assert.equal((await client.untilClosed()).by, 'local');
  });
}

// A handler that throws harms its own connection and no other.

import assert from 'node:assert/strict';
import { End } from './end.js';
import { assertCutOff } from './ending.js';
import { sendUntilStopped } from './flow.js';
import { spokeError } from './opening.js';
import type { Scenario } from './stage.js';

const bug = new Error('a bug in the handler');

function assertHandlerFailed(end: End): void {
  assert.equal(end.reason?.by, 'error');
  assert.equal(end.reason.error?.code, 'HANDLER_FAILED');
  assert.equal(end.reason.error.cause, bug);
}

export function faultScenarios(scenario: Scenario): void {
  scenario('a handler that throws in data loses its connection, and no other', async (stage) => {
    const failing = await stage.pair(
      {},
      {
        data(_, chunk) {
          if (chunk[0] === 0) throw bug;
        },
      },
    );
    const other = await stage.pairAgain();
    failing.client.start();
    other.client.start();
    failing.client.send(Uint8Array.of(0));
    await failing.server.untilClosed();
    assertHandlerFailed(failing.server);
    await failing.client.untilClosed();
    assertCutOff(failing.client);

    other.client.send(Uint8Array.of(1));
    await other.server.untilReceived(1);
    const next = await stage.pairAgain();
    next.client.start().send(Uint8Array.of(1));
    await next.server.untilReceived(1);
  });

  scenario('a handler that throws in drain loses its connection', async (stage) => {
    const { client, server } = await stage.pair(
      {
        drain() {
          throw bug;
        },
      },
      { keep: false },
    );
    client.start();
    server.pause();
    await sendUntilStopped(stage, client);
    server.resume();
    await client.untilClosed();
    assertHandlerFailed(client);
    await server.untilClosed();
    assertCutOff(server);
  });

  scenario('a handler that throws in close harms nobody', async (stage) => {
    const failing = await stage.pair({
      close() {
        throw bug;
      },
    });
    const other = await stage.pairAgain();
    failing.client.start();
    other.client.start();
    failing.client.close();
    await failing.client.untilClosed();
    await failing.server.untilClosed();
    other.client.send(Uint8Array.of(1));
    await other.server.untilReceived(1);
  });

  scenario('an onConnection that throws loses that connection, and the listener goes on', async (stage) => {
    let calls = 0;
    const listener = await stage.listen({
      onConnection() {
        if (++calls === 1) throw bug;
      },
      onError() {
        throw new Error('a bug in onError as well');
      },
    });
    // It may be over before this side even knows that it was connected.
    const first = await stage.connect(listener).catch(spokeError('CONNECT_FAILED', true));
    if (first instanceof End) {
      await first.start().untilClosed();
      assertCutOff(first);
    }

    const second = (await stage.connect(listener)).start();
    const server = await stage.acceptedOne(1);
    second.send(Uint8Array.of(1));
    await server.untilReceived(1);
  });
}

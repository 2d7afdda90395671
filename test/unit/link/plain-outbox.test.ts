import { describe, expect, it } from '@jest/globals';

import type { Connection } from '../../../src/contracts/index.js';
import { PlainOutbox, Turn } from '../../../src/link/index.js';
import { VirtualClock } from '../../support/virtual-clock.js';

/** Takes so many chunks before it says stop. */
class Narrow implements Connection {
  readonly boundaries = 'message';
  readonly peer = { address: 'narrow' };
  readonly pendingBytes = 0;
  readonly sent: string[] = [];
  room = Infinity;

  send(chunk: Uint8Array): boolean {
    this.sent.push(Buffer.from(chunk).toString());
    return --this.room > 0;
  }

  start() {}
  pause() {}
  resume() {}
  close() {}
  abort() {}
}

function setUp() {
  const clock = new VirtualClock();
  const connection = new Narrow();
  const outbox = new PlainOutbox(connection, new Turn(clock));
  const push = (text: string): void => outbox.push(Buffer.from(text), 0, text.length);
  return { clock, connection, outbox, push };
}

describe('a plain outbox', () => {
  it('hands on every frame at the end of the turn, in order', async () => {
    const { clock, connection, push } = setUp();
    for (const text of ['a', 'b', 'c']) push(text);
    expect(connection.sent).toEqual([]);
    await clock.idle();
    expect(connection.sent).toEqual(['a', 'b', 'c']);
    push('d');
    await clock.idle();
    expect(connection.sent).toEqual(['a', 'b', 'c', 'd']);
  });

  it('stops when the connection asks for it, and goes on from there when there is room', async () => {
    const { clock, connection, outbox, push } = setUp();
    connection.room = 2;
    for (const text of ['a', 'b', 'cc', 'd']) push(text);
    await clock.idle();
    expect(connection.sent).toEqual(['a', 'b']);
    expect(outbox).toMatchObject({ blocked: true, backlogBytes: 3 });
    push('e');
    await clock.idle();
    expect(connection.sent).toEqual(['a', 'b']);
    connection.room = 1;
    outbox.drain();
    expect(connection.sent).toEqual(['a', 'b', 'cc']);
    connection.room = Infinity;
    outbox.drain();
    expect(connection.sent).toEqual(['a', 'b', 'cc', 'd', 'e']);
    expect(outbox).toMatchObject({ blocked: false, backlogBytes: 0 });
  });

  it('does not wait for the end of a turn that has no end', () => {
    const { connection, outbox, push } = setUp();
    connection.room = 3;
    for (let i = 0; i < 100; i++) push('x'.repeat(20_000));
    expect(connection.sent).toHaveLength(3);
    expect(outbox).toMatchObject({ blocked: true, backlogBytes: 97 * 20_000 });
  });

  it('hands over everything when it finishes, also what the connection had no room for', async () => {
    const { clock, connection, outbox, push } = setUp();
    connection.room = 1;
    for (const text of ['a', 'b', 'c']) push(text);
    await clock.idle();
    push('d');
    outbox.finish();
    await clock.idle();
    expect(connection.sent).toEqual(['a', 'b', 'c', 'd']);
  });

  it('forgets everything when the connection has ended', async () => {
    const { clock, connection, outbox, push } = setUp();
    push('a');
    outbox.close();
    push('b');
    await clock.idle();
    expect(connection.sent).toEqual([]);
  });
});

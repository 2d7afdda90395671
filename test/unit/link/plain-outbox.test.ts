import { describe, expect, it } from '@jest/globals';

import type { Connection } from '../../../src/contracts/index.js';
import { PlainOutbox, PlainSink } from '../../../src/link/index.js';

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
  const connection = new Narrow();
  const outbox = new PlainOutbox(connection);
  const push = (text: string): void => outbox.push(Buffer.from(text), 0, text.length);
  return { connection, outbox, push };
}

describe('a plain outbox', () => {
  it('hands on every frame at once, in order', () => {
    const { connection, outbox, push } = setUp();
    for (const text of ['a', 'b', 'c']) push(text);
    expect(connection.sent).toEqual(['a', 'b', 'c']);
    expect(outbox).toMatchObject({ blocked: false, backlogBytes: 0 });
  });

  it('stops when the connection asks for it, and goes on from there when there is room', () => {
    const { connection, outbox, push } = setUp();
    connection.room = 2;
    for (const text of ['a', 'b', 'cc', 'd']) push(text);
    expect(connection.sent).toEqual(['a', 'b']);
    expect(outbox).toMatchObject({ blocked: true, backlogBytes: 3 });
    push('e');
    expect(connection.sent).toEqual(['a', 'b']);
    connection.room = 1;
    outbox.drain();
    expect(connection.sent).toEqual(['a', 'b', 'cc']);
    expect(outbox).toMatchObject({ blocked: true, backlogBytes: 2 });
    connection.room = Infinity;
    outbox.drain();
    expect(connection.sent).toEqual(['a', 'b', 'cc', 'd', 'e']);
    expect(outbox).toMatchObject({ blocked: false, backlogBytes: 0 });
  });

  it('hands over everything when it finishes, also what the connection had no room for', () => {
    const { connection, outbox, push } = setUp();
    connection.room = 1;
    for (const text of ['a', 'b', 'c', 'd']) push(text);
    outbox.finish();
    expect(connection.sent).toEqual(['a', 'b', 'c', 'd']);
  });

  it('forgets everything when the connection has ended', () => {
    const { connection, outbox, push } = setUp();
    connection.room = 1;
    for (const text of ['a', 'b']) push(text);
    outbox.close();
    push('c');
    expect(connection.sent).toEqual(['a']);
  });
});

describe('a plain sink', () => {
  it('keeps every frame as it was written', () => {
    const sink = new PlainSink();
    const frames = [1, 2, 3].map((value) => {
      const at = sink.reserve(value + 1);
      sink.block.fill(value, at, at + value);
      sink.commit(value);
      return sink.copyLast(value);
    });
    expect(frames.map((frame) => [...frame])).toEqual([[1], [2, 2], [3, 3, 3]]);
  });
});

import { describe, expect, it } from '@jest/globals';

import type { CloseReason } from '../../../src/contracts/index.js';
import { SpokeError } from '../../../src/contracts/index.js';
import { BaseConnection } from '../../../src/transports/index.js';

/** A wire made of calls: `wire` says what the base asked for, and the methods report what the system would. */
class Scripted extends BaseConnection {
  readonly boundaries = 'message';
  readonly pendingBytes = 0;
  readonly wire: string[] = [];
  room = true;

  constructor() {
    super({ address: 'scripted://other' });
  }

  protected write(chunk: Uint8Array): boolean {
    this.wire.push(`write ${chunk.length}`);
    return this.room;
  }
  protected startReading(): void {
    this.wire.push('startReading');
  }
  protected stopReading(): void {
    this.wire.push('stopReading');
  }
  protected finish(): void {
    this.wire.push('finish');
  }
  protected drop(): void {
    this.wire.push('drop');
    // The worst a transport may do: to end at once.
    this.ended();
  }

  arrive(...bytes: number[]): void {
    this.received(Uint8Array.from(bytes));
  }
  makeRoom(): void {
    this.drained();
  }
  otherEnds(): void {
    this.remoteEnded();
  }
  over(reason?: CloseReason): void {
    this.ended(reason);
  }
}

function started(throwing?: 'data' | 'drain' | 'close') {
  const connection = new Scripted();
  const calls: string[] = [];
  const reasons: CloseReason[] = [];
  const called = (name: 'data' | 'drain' | 'close') => {
    calls.push(name);
    if (name === throwing) throw new Error('a bug');
  };
  connection.start({
    data: () => called('data'),
    drain: () => called('drain'),
    close(reason) {
      reasons.push(reason);
      called('close');
    },
  });
  return { connection, calls, reasons };
}

/** After the microtasks that are due. */
const settled = () => new Promise<void>((resolve) => void setImmediate(resolve));
const lost = new SpokeError('CONNECTION_LOST', 'the cable was pulled');

describe('BaseConnection', () => {
  it('reads from start on, and only while it is not paused', () => {
    const connection = new Scripted();
    connection.resume();
    connection.pause();
    connection.pause();
    connection.start({ data() {}, drain() {}, close() {} });
    expect(connection.wire).toEqual([]);
    connection.resume();
    connection.resume();
    connection.pause();
    connection.pause();
    connection.resume();
    expect(connection.wire).toEqual(['startReading', 'stopReading', 'startReading']);
  });

  it('says false until drain, and drains once however often it said so', () => {
    const { connection, calls } = started();
    connection.room = false;
    expect(connection.send(new Uint8Array(1))).toBe(false);
    connection.room = true;
    expect(connection.send(new Uint8Array(1))).toBe(false);
    expect(connection.send(new Uint8Array(0))).toBe(false);
    connection.makeRoom();
    connection.makeRoom();
    expect(calls).toEqual(['drain']);
    expect(connection.send(new Uint8Array(1))).toBe(true);
    expect(connection.wire).toEqual(['startReading', 'write 1', 'write 1', 'write 1']);
  });

  it('keeps the drain of the time before start', async () => {
    const connection = new Scripted();
    connection.room = false;
    connection.send(new Uint8Array(1));
    connection.makeRoom();
    connection.makeRoom();
    let drains = 0;
    connection.start({ data() {}, drain: () => void drains++, close() {} });
    expect(drains).toBe(0);
    await settled();
    expect(drains).toBe(1);
  });

  it('calls close after the method that ended it, once and last', async () => {
    const { connection, calls, reasons } = started();
    connection.abort(lost);
    expect(calls).toEqual([]);
    connection.abort(new SpokeError('CLOSED', 'again'));
    connection.over();
    connection.arrive(1);
    connection.makeRoom();
    connection.otherEnds();
    await settled();
    expect(calls).toEqual(['close']);
    expect(reasons).toEqual([{ by: 'error', error: lost }]);
    expect(connection.wire).toEqual(['startReading', 'drop']);
  });

  it('delivers nothing between close and the end', async () => {
    const { connection, calls } = started();
    connection.room = false;
    connection.send(new Uint8Array(1));
    connection.close();
    connection.arrive(1);
    connection.makeRoom();
    connection.pause();
    connection.resume();
    expect(connection.send(new Uint8Array(1))).toBe(false);
    connection.over();
    await settled();
    expect(calls).toEqual(['close']);
    expect(connection.wire).toEqual(['startReading', 'write 1', 'finish']);
  });

  it.each<[string, (connection: Scripted) => void, CloseReason]>([
    ['close', (c) => c.close(), { by: 'local' }],
    ['the end of the other side', (c) => c.otherEnds(), { by: 'remote' }],
    ['the end of the other side, then close', (c) => (c.otherEnds(), c.close()), { by: 'remote' }],
    ['close, then the end of the other side', (c) => (c.close(), c.otherEnds()), { by: 'local' }],
  ])('after %s the reason is %j', async (_, end, reason) => {
    const { connection, reasons } = started();
    end(connection);
    connection.over();
    await settled();
    expect(reasons).toEqual([reason]);
  });

  it('reports a failure while open, and one that kept close from sending; one after the other side has ended is no news', async () => {
    const failure: CloseReason = { by: 'error', error: lost };
    const open = started();
    open.connection.over(failure);
    const closing = started();
    closing.connection.close();
    closing.connection.over(failure);
    const ended = started();
    ended.connection.otherEnds();
    ended.connection.over(failure);
    await settled();
    expect([open, closing, ended].map(({ reasons }) => reasons)).toEqual([[failure], [failure], [{ by: 'remote' }]]);
  });

  it('makes an end without a cause a lost connection', async () => {
    const { connection, reasons } = started();
    connection.over();
    await settled();
    expect(reasons[0]?.error).toMatchObject({ code: 'CONNECTION_LOST', retryable: true });
  });

  it.each(['data', 'drain'] as const)('is aborted by a handler that throws in %s', async (method) => {
    const { connection, calls, reasons } = started(method);
    connection.room = false;
    connection.send(new Uint8Array(1));
    if (method === 'data') connection.arrive(1);
    else connection.makeRoom();
    connection.arrive(2);
    await settled();
    expect(calls).toEqual([method, 'close']);
    expect(reasons[0]?.error).toMatchObject({ code: 'HANDLER_FAILED', cause: { message: 'a bug' } });
  });

  it('survives a handler that throws in close', async () => {
    const { connection, calls } = started('close');
    connection.abort(lost);
    await settled();
    expect(calls).toEqual(['close']);
  });

  it('tells a handler that comes too late how it ended', async () => {
    const connection = new Scripted();
    connection.abort(lost);
    await settled();
    const reasons: CloseReason[] = [];
    connection.start({ data() {}, drain() {}, close: (reason) => void reasons.push(reason) });
    expect(reasons).toEqual([]);
    await settled();
    expect(reasons).toEqual([{ by: 'error', error: lost }]);
    expect(() => connection.start({ data() {}, drain() {}, close() {} })).toThrow(TypeError);
  });
});

// What a broker does with bytes: bodies pass untouched, nonsense harms its sender's message only.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { JsonCodec } from '../../../src/codecs/index.js';
import type {
  Codec,
  FrameSink,
  Limits,
  MessageReader,
  MessageView,
  OutgoingHead,
} from '../../../src/contracts/index.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
beforeEach(() => {
  ({ stage, clock } = memoryStage());
});
afterEach(async () => stage.close());

/** JSON that counts the work it does. */
class CountingCodec implements Codec {
  readonly #json = new JsonCodec();
  readonly name = this.#json.name;
  readonly framing = this.#json.framing;
  readonly counts = { forward: 0, encode: 0, decodeBody: 0 };

  recognizes(first: Uint8Array): boolean | undefined {
    return this.#json.recognizes(first);
  }

  createReader(limits: Limits): MessageReader {
    return this.#json.createReader(limits);
  }

  forward(view: MessageView, time: number, sink: FrameSink, id?: string): number {
    this.counts.forward++;
    return this.#json.forward(view, time, sink, id);
  }

  forwardWith(head: OutgoingHead, view: MessageView, sink: FrameSink): number {
    this.counts.forward++;
    return this.#json.forwardWith(head, view, sink);
  }

  encode(head: OutgoingHead, body: unknown, sink: FrameSink): number {
    this.counts.encode++;
    return this.#json.encode(head, body, sink);
  }

  decodeBody(view: MessageView): unknown {
    this.counts.decodeBody++;
    return this.#json.decodeBody(view);
  }
}

describe('a body', () => {
  it.each([
    '12345678901234567890',
    '1.0',
    '-0.0',
    '1e400',
    '0.1000000000000000055511151231257827',
    '{"b": 1, "a": 2, "10": 3, "9": 4}',
    '{"a": 1, "a": 2}',
    '{"__proto__": {"x": 1}, "constructor": null}',
    '[1,2,   3,\n\t4]',
    '"\\u00e4\\ud83d\\ude00 \\/"',
    '"ä😀"',
    'null',
    '{}',
    '{"head": {"channel": "-control/subscribe"}, "body": "**"}',
  ])('%s arrives byte for byte as it was sent', async (body) => {
    await stage.broker();
    const [a, b] = [await stage.raw(), await stage.raw()];
    a.subscribe('x');
    await a.flush();
    b.publish('x', body);
    b.publish('x', body, { persist: true });
    const frames = await a.frames.take(2);
    for (const frame of frames) expect(frame.slice(frame.indexOf('"body": ') + 8, -1)).toBe(body);
    // And from what is kept.
    const c = await stage.raw();
    c.subscribe('x');
    const replayed = await c.frames.next();
    expect(replayed).toBe(frames[1]);
  });

  it('that is absent is null', async () => {
    await stage.broker();
    const [a, b] = [await stage.raw(), await stage.raw()];
    a.subscribe('x');
    await a.flush();
    b.send('{"head": {"channel": "x"}}\0');
    expect(await a.next()).toMatchObject({ body: null });
  });

  it('is written once for a fan-out and never built', async () => {
    const codec = new CountingCodec();
    await stage.broker({ codecs: [codec] });
    const readers = await Promise.all(Array.from({ length: 50 }, async () => stage.raw()));
    for (const reader of readers) {
      reader.subscribe('x/**');
      await reader.flush();
    }
    const b = await stage.raw();
    await b.flush();
    await clock.idle();
    const before = { ...codec.counts };
    b.publish('x/1', '{"a": [1, 2, 3]}');
    b.publish('x/2', '{"a": [1, 2, 3]}', { persist: true });
    b.publish('nobody/listens', '{"a": [1, 2, 3]}');
    await clock.idle();
    for (const reader of readers) expect(reader.frames.rest).toHaveLength(2);
    expect(codec.counts).toEqual({ ...before, forward: before.forward + 2 });
  });
});

describe('what is no message', () => {
  it.each([
    ['no JSON', 'hello\0'],
    ['half of it', '{"head": {"channel": "x"}\0'],
    ['not an object', '[1, 2]\0'],
    ['no head', '{"body": 1}\0'],
    ['a head that is no object', '{"head": "x", "body": 1}\0'],
    ['no channel', '{"head": {}, "body": 1}\0'],
    ['a channel that is no string', '{"head": {"channel": 5}, "body": 1}\0'],
    ['NaN', '{"head": {"channel": "x"}, "body": NaN}\0'],
    ['Infinity in the head', '{"head": {"channel": "x", "time": Infinity}, "body": 1}\0'],
    ['a key that peers break on', '{"head": {"channel": "x", "self": 1}, "body": 1}\0'],
    ['another one', '{"head": {"channel": "x", "body": 1}, "body": 1}\0'],
    ['nothing', '\0\0\0'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d, 0])],
    ['a byte order mark', '\ufeff{"head": {"channel": "x"}, "body": 1}\0'],
  ])('(%s) is dropped; nobody else notices and the connection goes on', async (_, bytes) => {
    const broker = await stage.broker();
    const [a, b] = [await stage.raw(), await stage.raw()];
    a.subscribe('x');
    await a.flush();
    b.publish('x', '"before"');
    b.send(bytes);
    b.publish('x', '"after"');
    await clock.idle();
    const bodies = a.frames.rest.map((frame) => JSON.parse(frame).body);
    expect(bodies).toEqual(['before', 'after']);
    expect(broker.stats.refused).toBeGreaterThanOrEqual(1);
    expect(b.isClosed).toBe(false);
  });

  it('is told to a client that asked to be told, with the reason', async () => {
    await stage.broker();
    const a = await stage.raw();
    a.publish('-control/hello', '{"nonce": "1", "features": ["errors"]}');
    await a.next();
    a.send('nonsense\0');
    const error = await a.next();
    expect(error).toMatchObject({ head: { channel: '-control/error' }, body: { code: 'MALFORMED' } });
  });

  it('may be a message that is too long: it is skipped, not kept in memory, and the next one arrives', async () => {
    await stage.broker({ limits: { messageBytes: 1000 } });
    const a = await stage.raw();
    a.publish('-control/hello', '{"nonce": "1", "features": ["errors"]}');
    await a.next();
    a.subscribe('x');
    for (let n = 0; n < 100; n++) a.send('x'.repeat(1000));
    a.send('\0');
    a.publish('x', '1');
    const [error, message] = await a.take(2);
    expect(error).toMatchObject({ body: { code: 'LIMIT_EXCEEDED' } });
    expect(message).toMatchObject({ body: 1 });
  });
});

describe('frames', () => {
  it('may arrive byte by byte', async () => {
    await stage.broker();
    const [a, b] = [await stage.raw(), await stage.raw()];
    a.subscribe('x');
    await a.flush();
    for (const byte of Buffer.from('{"head": {"channel": "x"}, "body": "ä\\u0000"}\0')) b.send(Buffer.of(byte));
    expect(await a.next()).toMatchObject({ body: 'ä\0' });
  });

  it('of several publishers never mix', async () => {
    await stage.broker();
    const a = await stage.raw();
    a.subscribe('**');
    await a.flush();
    const publishers = await Promise.all(Array.from({ length: 5 }, async () => stage.raw()));
    // Each message is sent in pieces, and the pieces of all publishers interleave.
    for (let n = 0; n < 50; n++) {
      for (const part of [0, 1, 2]) {
        for (const [p, publisher] of publishers.entries()) {
          const text = `{"head": {"channel": "p/${p}"}, "body": "${String(p).repeat(300)}-${n}"}\0`;
          publisher.send(text.slice(part * 150, part === 2 ? undefined : (part + 1) * 150));
        }
      }
      await clock.idle();
    }
    const messages = await a.take(250);
    for (const [p] of publishers.entries()) {
      const own = messages.filter((message) => message.head.channel === `p/${p}`).map((message) => message.body);
      expect(own).toEqual(Array.from({ length: 50 }, (_, n) => `${String(p).repeat(300)}-${n}`));
    }
  });
});

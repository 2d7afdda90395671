// Messages arrive in pieces, several at once, in memory that is used again.

import assert from 'node:assert/strict';
import { SpokeError } from '../../contracts/index.js';
import { assertRefused, concat } from './desk.js';
import type { Desk, Message, Sentence } from './desk.js';

interface Stream {
  readonly bytes: Uint8Array;
  readonly summary: readonly string[];
}

export function streamSentences(it: Sentence, desk: () => Desk): void {
  it('finds its messages wherever a stream is cut in two', () => {
    const here = desk();
    const { bytes, summary } = stream(here);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)].filter((chunk) => chunk.length > 0);
      assert.deepEqual(here.readAll(chunks).map(summarize), summary, `cut at ${cut}`);
    }
  });

  it('finds its messages byte by byte', () => {
    const here = desk();
    const { bytes, summary } = stream(here);
    const chunks = Array.from(bytes, (byte) => Uint8Array.of(byte));
    assert.deepEqual(here.readAll(chunks).map(summarize), summary);
  });

  it('tells how much of an unfinished message it holds', () => {
    const here = desk();
    const frame = here.encode({ channel: 'a' }, 'x'.repeat(100));
    const deframer = here.codec.framing.createDeframer(1000);
    const handler = { frame() {}, refused() {} };
    assert.equal(deframer.pendingBytes, 0);
    deframer.push(frame.subarray(0, 50), handler);
    assert.ok(deframer.pendingBytes > 0 && deframer.pendingBytes <= 50);
    deframer.push(frame.subarray(50), handler);
    assert.equal(deframer.pendingBytes, 0);
  });

  it('takes a message of exactly the limit, refuses one byte more, and is in step or dead afterwards', () => {
    const here = desk();
    const small = here.encode({ channel: 'a' }, 1);
    for (const size of [100, 5000, 300_000]) {
      const big = here.encode({ channel: 'a' }, 'x'.repeat(size));
      const limit = here.unframe(big).length;
      for (const chunkSize of [big.length, 977]) {
        let taken = 0;
        here.feed(cut(concat([big, small]), chunkSize), () => void taken++, limit);
        assert.equal(taken, 2);
        expectRefusal(here, cut(big, chunkSize), small, limit - 1);
      }
    }
  });

  it('lets what the handler throws pass through', () => {
    const here = desk();
    const failure = new Error('of the handler');
    const fail = (): void => {
      throw failure;
    };
    assert.throws(
      () => here.feed([here.encode({ channel: 'a' }, 1)], fail),
      (error) => error === failure,
    );
  });
}

function stream(desk: Desk): Stream {
  const frames = [
    desk.encode({ channel: 'a' }, 1),
    desk.encode({ channel: 'a/b', time: 1795344144.659854, fields: { ä: '✓' } }, { x: 1.5, text: 'Grüße 😀' }),
    desk.encode({ channel: 'a/b', persist: true, bounce: false }, [true, null, 'x'.repeat(40)]),
    desk.encode({ channel: 'a' }, 2),
    desk.encode({ channel: 'a' }, undefined),
  ];
  const summary = frames.map((frame) => summarize(desk.read(desk.unframe(frame))));
  assert.equal(new Set(summary).size, frames.length);
  return { bytes: concat(frames), summary };
}

/** All that a message says, as text. */
export function summarize({ head, time, rawBody, body }: Message): string {
  const fields = Object.entries(head.fields());
  return JSON.stringify([head.channel, head.bounce, head.persist, fields, time, rawBody, body]);
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
  return chunks;
}

/** Either the frame is skipped and the next one comes, or nothing comes any more and the same error is thrown again. */
function expectRefusal(desk: Desk, tooBig: readonly Uint8Array[], next: Uint8Array, limit: number): void {
  const deframer = desk.codec.framing.createDeframer(limit);
  const errors: unknown[] = [];
  let taken = 0;
  const handler = { frame: () => void taken++, refused: (error: SpokeError) => void errors.push(error) };
  const push = (chunk: Uint8Array): unknown => {
    try {
      deframer.push(chunk, handler);
    } catch (error) {
      return error;
    }
    return undefined;
  };
  let death: unknown;
  for (const chunk of tooBig) death ??= push(chunk);
  if (death === undefined) {
    assert.equal(errors.length, 1, 'a message that is too big is refused once');
    assertRefused(() => {
      throw errors[0];
    }, 'LIMIT_EXCEEDED');
    deframer.push(next, handler);
    assert.equal(taken, 1, 'the next message arrives');
    assert.equal(deframer.pendingBytes, 0);
  } else {
    assert.ok(death instanceof SpokeError && death.code === 'LIMIT_EXCEEDED');
    assert.equal(push(next), death, 'a dead deframer throws the same error again');
    assert.equal(taken, 0);
  }
}

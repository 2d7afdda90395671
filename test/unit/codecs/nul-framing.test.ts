import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { NulFraming } from '../../../src/codecs/index.js';
import type { Deframer, FrameHandler, SpokeError } from '../../../src/contracts/index.js';

/** Writes down what comes out, `!CODE` for refusals. */
function recorder(): FrameHandler & { readonly seen: string[] } {
  const seen: string[] = [];
  return {
    seen,
    frame: (bytes, start, end) => void seen.push(Buffer.from(bytes.subarray(start, end)).toString('latin1')),
    refused: (error: SpokeError) => void seen.push(`!${error.code}`),
  };
}

const make = (max = 100): Deframer => new NulFraming().createDeframer(max);
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

/** Feeds chunks in memory that is overwritten after each push. */
function feed(deframer: Deframer, chunks: readonly Uint8Array[]): string[] {
  const handler = recorder();
  for (const chunk of chunks) {
    const memory = chunk.slice();
    deframer.push(memory, handler);
    memory.fill(0x21);
  }
  return handler.seen;
}

/** What a deframer is to do, the slow way. */
function expected(stream: Uint8Array, max: number): string[] {
  const parts = Buffer.from(stream).toString('latin1').split('\0');
  const rest = parts.pop() ?? '';
  const seen = parts.map((part) => (part.length > max ? '!LIMIT_EXCEEDED' : part));
  return rest.length > max ? [...seen, '!LIMIT_EXCEEDED'] : seen;
}

describe('NUL framing', () => {
  it('cuts a chunk at every zero byte', () => {
    expect(feed(make(), [bytes('one\0two\0three\0')])).toEqual(['one', 'two', 'three']);
  });

  it('passes empty payloads on', () => {
    expect(feed(make(), [bytes('\0\0a\0\0')])).toEqual(['', '', 'a', '']);
  });

  it('gives the same however a stream is cut in two', () => {
    const stream = bytes('one\0\0two\0' + 'x'.repeat(101) + '\0three\0rest');
    for (let cut = 0; cut <= stream.length; cut++) {
      const deframer = make();
      const seen = feed(deframer, [stream.slice(0, cut), stream.slice(cut)]);
      expect(seen).toEqual(['one', '', 'two', '!LIMIT_EXCEEDED', 'three']);
      expect(deframer.pendingBytes).toBe(4);
    }
  });

  it('gives the same byte by byte', () => {
    const stream = bytes('one\0\0two\0' + 'x'.repeat(300) + '\0three\0');
    expect(
      feed(
        make(),
        Array.from(stream, (byte) => Uint8Array.of(byte)),
      ),
    ).toEqual(['one', '', 'two', '!LIMIT_EXCEEDED', 'three']);
  });

  it('gives the same for any stream and any cuts', () => {
    const byte = fc.constantFrom(0, 0, 1, 65, 66, 255);
    fc.assert(
      fc.property(
        fc.array(byte, { maxLength: 200 }),
        fc.array(fc.nat(200), { maxLength: 8 }),
        fc.integer({ min: 1, max: 40 }),
        (stream, cuts, max) => {
          const all = Uint8Array.from(stream);
          const places = [0, ...cuts.map((cut) => Math.min(cut, all.length)).sort((a, b) => a - b), all.length];
          const chunks = places.slice(1).map((end, i) => all.slice(places[i], end));
          expect(feed(make(max), chunks)).toEqual(expected(all, max));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('takes a payload of exactly the limit and refuses one byte more, wherever the chunks end', () => {
    for (const size of [99, 100, 101, 5000]) {
      for (const step of [1, 7, 99, 100, 101, 10_000]) {
        const stream = bytes(`${'x'.repeat(size)}\0next\0`);
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < stream.length; at += step) chunks.push(stream.slice(at, at + step));
        expect(feed(make(), chunks)).toEqual([size > 100 ? '!LIMIT_EXCEEDED' : 'x'.repeat(size), 'next']);
      }
    }
  });

  it('refuses an endless payload once, and holds nothing of it', () => {
    const deframer = make();
    const handler = recorder();
    for (let i = 0; i < 1000; i++) deframer.push(bytes('x'.repeat(60)), handler);
    expect(handler.seen).toEqual(['!LIMIT_EXCEEDED']);
    expect(deframer.pendingBytes).toBe(0);
    deframer.push(bytes('\0good\0'), handler);
    expect(handler.seen).toEqual(['!LIMIT_EXCEEDED', 'good']);
  });

  it('says how large a message may be', () => {
    const errors: SpokeError[] = [];
    make(8).push(bytes('123456789\0'), { frame() {}, refused: (error) => void errors.push(error) });
    expect(errors[0]?.message).toMatch(/larger than 8 bytes \(limits\.messageBytes\)/);
  });

  it('carries big payloads through many chunks, again and again', () => {
    const deframer = make(1_000_000);
    for (const size of [10, 400_000, 20, 1_000_000, 30_000, 5]) {
      const payload = bytes('y'.repeat(size));
      const handler = recorder();
      for (let at = 0; at < size; at += 6_000) deframer.push(payload.subarray(at, at + 6_000), handler);
      expect(deframer.pendingBytes).toBe(size);
      deframer.push(bytes('\0'), handler);
      expect(handler.seen.map((text) => text.length)).toEqual([size]);
      expect(deframer.pendingBytes).toBe(0);
    }
  });

  it('is dead when a handler threw and the rest of the chunk was lost', () => {
    const deframer = make();
    const failure = new Error('of the handler');
    const failing: FrameHandler = {
      frame() {
        throw failure;
      },
      refused() {},
    };
    expect(() => deframer.push(bytes('a\0b\0c'), failing)).toThrow(failure);
    const handler = recorder();
    const attempts = [1, 2].map(() => {
      try {
        deframer.push(bytes('d\0'), handler);
        return undefined;
      } catch (error) {
        return error;
      }
    });
    expect(attempts[0]).toMatchObject({ code: 'MALFORMED' });
    expect(attempts[1]).toBe(attempts[0]);
    expect(handler.seen).toEqual([]);
  });
});

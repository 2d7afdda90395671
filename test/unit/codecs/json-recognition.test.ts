// How a stream is known to be JSON, also when it begins as no JSON stream should: with an empty frame, which peers drop.

import { describe, expect, it } from '@jest/globals';

import { JsonCodec, MsgpackCodec } from '../../../src/codecs/index.js';
import { BlockSink } from '../../../src/link/index.js';
import { LengthCodec } from '../../support/length-codec.js';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const verdict = (text: string): boolean | undefined => new JsonCodec().recognizes(bytes(text));

describe('a stream that begins with', () => {
  it.each(['{', ' ', '{"head"', 'x', '"', '\xff'])('%j is JSON, or nobody’s', (text) => {
    expect(verdict(text)).toBe(true);
  });

  it.each(['\0', '\0\0\0', '\0{', '\0{"', '\0{"hea', '\0\0{"body', '\0{ \n"h'])('%j may become JSON', (text) => {
    expect(verdict(text)).toBeUndefined();
  });

  it.each(['\0{"head"', '\0{"body": 1', '\0\0\0\0\0\0\0\0{"head": {', '\0{ "head" :', '\0{\r\n\t"body"'])(
    '%j is JSON after empty frames',
    (text) => {
      expect(verdict(text)).toBe(true);
    },
  );

  it.each(['\0x', '\0 {"head"', '\0\0\0\x05{', '\0{x', '\0{"x', '\0{"heads', '\0[', `${'\0'.repeat(65)}{"head"`])(
    '%j is not JSON',
    (text) => {
      expect(verdict(text)).toBe(false);
    },
  );
});

it('is never taken for JSON when it is msgpack, or another length and JSON behind it', () => {
  const json = new JsonCodec();
  for (const codec of [new MsgpackCodec(), new LengthCodec()]) {
    // Every length of a first message, also those that are letters of JSON.
    for (let size = 0; size < 33_000; size += size < 300 ? 1 : 97) {
      const sink = new BlockSink();
      const frame = sink.copyLast(codec.encode({ channel: 'a' }, 'x'.repeat(size), sink));
      for (const length of [1, 2, 3, 4, 5, 6, 7, 8, 12, frame.length]) {
        const first = frame.subarray(0, length);
        expect([json.recognizes(first), size]).not.toEqual([true, size]);
        if (codec.recognizes(first) === true && length > 6) expect(json.recognizes(first)).toBe(false);
      }
    }
  }
});

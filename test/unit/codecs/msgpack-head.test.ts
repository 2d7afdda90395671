import { describe, expect, it } from '@jest/globals';
import { Packr } from 'msgpackr';

import { MsgpackCodec } from '../../../src/codecs/index.js';
import { DEFAULT_LIMITS } from '../../../src/contracts/index.js';
import { BlockSink } from '../../../src/link/index.js';

const packr = new Packr({ useRecords: false, mapsAsObjects: false, variableMapSize: true });

function frame(head: ReadonlyMap<string, unknown>): Buffer {
  const packed = packr.pack(head);
  const body = packr.pack('body');
  return Buffer.concat([Buffer.of(packed.length >> 8, packed.length & 0xff), packed, body]);
}

describe('the head of a msgpack message', () => {
  const channels = [
    '',
    'a',
    'x'.repeat(31),
    'x'.repeat(32),
    'ü'.repeat(100),
    'x'.repeat(300),
    '/a//b/',
    'a/**/*',
    '\ufffd',
  ];
  const times = [undefined, 1234.5, 0.1];

  it('says the same whether it is short or has more members, and goes on as the same', () => {
    for (const channel of channels) {
      for (const time of times) {
        const members = [['channel', channel] as const, ...(time === undefined ? [] : [['time', time] as const])];
        const sink = new BlockSink();
        const results = [new Map<string, unknown>(members), new Map<string, unknown>([['more', 1], ...members])].map(
          (head) => {
            const codec = new MsgpackCodec();
            const bytes = frame(head);
            const view = codec.createReader(DEFAULT_LIMITS).read(bytes, 0, bytes.length);
            const length = codec.forward(view, 99, sink);
            const sent = sink.copyLast(length);
            const headLength = ((sent[4] ?? 0) << 8) | (sent[5] ?? 0);
            const out: unknown = packr.unpack(sent.subarray(6, 6 + headLength));
            if (!(out instanceof Map)) throw new TypeError('no map');
            out.delete('more');
            const { more: _, ...fields } = view.head.fields();
            return { channel: view.head.channel, time: view.time, fields, out: [...out] };
          },
        );
        expect(results[0]).toEqual(results[1]);
        expect(results[0]?.time).toBe(time);
        expect(results[0]?.out).toContainEqual(['time', time ?? 99]);
      }
    }
  });
});

import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { JsonCodec } from '../../../src/codecs/index.js';
import type { FrameSink, MessageView, OutgoingHead } from '../../../src/contracts/index.js';
import { DEFAULT_LIMITS } from '../../../src/contracts/index.js';

class Sink implements FrameSink {
  readonly block = new Uint8Array(400_000);
  position = 3;
  reserve(): number {
    return this.position;
  }
  commit(bytes: number): void {
    this.position += bytes;
  }
}

const codec = new JsonCodec();
const NOW = 1795344144.5;

function forwarded(text: string, time = NOW): string {
  const sink = new Sink();
  const payload = new Uint8Array(Buffer.from(text));
  const view = codec.createReader(DEFAULT_LIMITS).read(payload, 0, payload.length);
  const length = codec.forward(view, time, sink);
  expect(sink.position).toBe(3 + length);
  return Buffer.from(sink.block.subarray(3, sink.position)).toString();
}

function encoded(head: OutgoingHead, body: unknown): string {
  const sink = new Sink();
  const length = codec.encode(head, body, sink);
  expect(sink.position).toBe(3 + length);
  return Buffer.from(sink.block.subarray(3, sink.position)).toString();
}

describe('forwarding JSON', () => {
  it('adds the time as the last member of the head', () => {
    expect(forwarded('{"head": {"channel": "a"}, "body": 1}')).toBe(
      '{"head": {"channel": "a", "time": 1795344144.5}, "body": 1}\0',
    );
  });

  it('keeps a time as the text it came as', () => {
    for (const time of ['1795344144.6598540', '1.0', '1e3', '-0', '12345678901234567890']) {
      const text = `{"head": {"channel": "a", "time": ${time}, "n": 1}, "body": 1}`;
      expect(forwarded(text)).toBe(`${text}\0`);
    }
  });

  it('keeps numbers, blanks, escapes and order within values byte for byte', () => {
    const text =
      '{"head": {"n": 1.0, "channel": "a", "big": [12345678901234567890,1E5, "\\u00e4ä\\/"]}, "body": {"b":1.0 ,"a" : 1e400}}';
    expect(forwarded(text)).toBe(text.replace(']}, "body"', ']' + ', "time": 1795344144.5}, "body"') + '\0');
  });

  it('puts other layouts into that of the peers', () => {
    expect(forwarded(' {"body" : [1,  2] ,\n"x": 1, "head":{"channel":"a","n":{"m":1}}} ')).toBe(
      '{"head": {"channel": "a", "n": {"m":1}, "time": 1795344144.5}, "body": [1,  2]}\0',
    );
    expect(forwarded('{"head":{"channel":"a","time":5},"body":"x"}')).toBe(
      '{"head": {"channel": "a", "time": 5}, "body": "x"}\0',
    );
    expect(forwarded('{"head": {"channel": "a"},"body": 1}')).toBe(
      '{"head": {"channel": "a", "time": 1795344144.5}, "body": 1}\0',
    );
    expect(forwarded('{"head": {"channel": "a", "time": 5}}')).toBe(
      '{"head": {"channel": "a", "time": 5}, "body": null}\0',
    );
  });

  it('leaves out every blank that the peers would not have written, and puts in those that they would', () => {
    for (const head of [
      '{"channel": "a", "n": 1}',
      '{ "channel": "a", "n": 1}',
      '{"channel" : "a", "n": 1}',
      '{"channel":  "a", "n": 1}',
      '{"channel":"a", "n": 1}',
      '{"channel": "a" , "n": 1}',
      '{"channel": "a",  "n": 1}',
      '{"channel": "a","n": 1}',
      '{"channel": "a", "n": 1 }',
      '{"channel": "a",\n"n": 1}',
    ]) {
      for (const open of ['{"head": ', '{"head":  ', '{ "head": ', '{"head" : ', '{ "head":', '{"head" :']) {
        for (const middle of [
          ', "body": ',
          ' , "body": ',
          ',  "body": ',
          ', "body" : ',
          ', "body":  ',
          ',  "body":',
          ', "body" :',
        ]) {
          expect(forwarded(`${open}${head}${middle}1}`)).toBe(
            '{"head": {"channel": "a", "n": 1, "time": 1795344144.5}, "body": 1}\0',
          );
        }
      }
    }
  });

  it('removes bounce wherever it stands', () => {
    for (const head of [
      '"bounce": false, "channel": "a"',
      '"channel": "a", "bounce": true',
      '"channel": "a", "bounce": 0',
    ]) {
      expect(forwarded(`{"head": {${head}}, "body": 1}`)).toBe(
        '{"head": {"channel": "a", "time": 1795344144.5}, "body": 1}\0',
      );
    }
    expect(forwarded('{"head": {"time": 1.50, "bounce": false, "channel": "a"}, "body": 1}')).toBe(
      '{"head": {"time": 1.50, "channel": "a"}, "body": 1}\0',
    );
  });

  it('sends each member once, the last value in the place of the first', () => {
    expect(
      forwarded(
        '{"head": {"channel": "a", "n": 1, "channel": "b", "time": 1, "n": 2, "time": 2}, "body": 1, "body": 2}',
      ),
    ).toBe('{"head": {"channel": "b", "n": 2, "time": 2}, "body": 2}\0');
  });

  it('writes a channel that was not canonical anew, and any other as it came', () => {
    expect(forwarded('{"head": {"channel": "/ä//\\"\\u00e4/"}, "body": 1}')).toBe(
      '{"head": {"channel": "ä/\\"ä", "time": 1795344144.5}, "body": 1}\0',
    );
    expect(forwarded('{"head": {"channel": "\\u00e4"}, "body": 1}')).toBe(
      '{"head": {"channel": "\\u00e4", "time": 1795344144.5}, "body": 1}\0',
    );
  });

  it('keeps bodies of every size intact', () => {
    for (const size of [0, 1, 2, 3, 5, 6, 7, 8, 9, 15, 16, 17, 31, 63, 64, 255, 256, 257, 258, 300, 5000, 100_000]) {
      const body = JSON.stringify('äx😀'.repeat(size).slice(0, size));
      for (const open of ['{"head": {"channel": "a"}, "body": ', '{"head":{"channel":"a"},"body":']) {
        expect(forwarded(`${open}${body}}`)).toBe(
          `{"head": {"channel": "a", "time": 1795344144.5}, "body": ${body}}\0`,
        );
      }
    }
  });

  it('writes any finite time, and refuses others', () => {
    for (const time of [0, -1, 1e21, 1e-9, 0.1 + 0.2, 2 ** 53]) {
      expect(JSON.parse(forwarded('{"head": {"channel": "a"}, "body": 1}', time).slice(0, -1))).toEqual({
        head: { channel: 'a', time },
        body: 1,
      });
    }
    for (const time of [NaN, Infinity]) {
      expect(() => forwarded('{"head": {"channel": "a"}, "body": 1}', time)).toThrow(TypeError);
    }
  });

  it('takes views of its own readers only', () => {
    const view: MessageView = {
      head: { channel: 'a', bounce: true, persist: false, fields: () => ({}) },
      time: 1,
      id: undefined,
      bytes: new Uint8Array(1),
      bodyStart: 0,
      bodyEnd: 1,
    };
    expect(() => codec.forward(view, NOW, new Sink())).toThrow(TypeError);
    expect(() => codec.forwardWith({ channel: 'a' }, view, new Sink())).toThrow(TypeError);
  });
});

describe('encoding JSON', () => {
  it('writes what the peers write', () => {
    expect(encoded({ channel: 'a/b' }, { x: 1 })).toBe('{"head": {"channel": "a/b"}, "body": {"x":1}}\0');
    expect(encoded({ channel: 'a', persist: true, bounce: false, time: 1.5, fields: { id: 'x' } }, null)).toBe(
      '{"head": {"channel": "a", "persist": true, "bounce": false, "id": "x", "time": 1.5}, "body": null}\0',
    );
    expect(encoded({ channel: 'a', persist: false, bounce: true }, 'ä')).toBe(
      '{"head": {"channel": "a"}, "body": "ä"}\0',
    );
  });

  it('escapes what a channel needs escaped', () => {
    for (const channel of ['"', '\\', '\n', 'ä', '\u2028', '\ud800', 'x'.repeat(2000), '']) {
      expect(JSON.parse(encoded({ channel }, 1).slice(0, -1))).toEqual({ head: { channel }, body: 1 });
    }
  });

  it('follows JSON.stringify', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBoxedValues: true, withDate: true, withNullPrototype: true, withSparseArray: true }),
        (value) => {
          fc.pre(typeof value !== 'function' && typeof value !== 'symbol');
          const text = JSON.stringify(value) ?? 'null';
          expect(encoded({ channel: 'a' }, value)).toBe(`{"head": {"channel": "a"}, "body": ${text}}\0`);
        },
      ),
    );
    expect(encoded({ channel: 'a' }, [NaN, -Infinity, undefined, () => 1, new Date(0), -0])).toBe(
      '{"head": {"channel": "a"}, "body": [null,null,null,null,"1970-01-01T00:00:00.000Z",0]}\0',
    );
  });

  it('follows it with bigints as well, which come out whole', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBoxedValues: true, withDate: true, withSparseArray: true, withNullPrototype: true }),
        (value) => {
          const big = 2n ** 70n;
          const text = JSON.stringify([value, 'x']);
          expect(encoded({ channel: 'a' }, [value, big])).toBe(
            `{"head": {"channel": "a"}, "body": ${text.replace(/"x"\]$/, `${big}]`)}}\0`,
          );
        },
      ),
    );
    expect(encoded({ channel: 'a' }, 10n)).toMatch(/"body": 10}/);
    expect(encoded({ channel: 'a' }, { a: -5n, d: new Date(0), u: undefined, ['__proto__']: 1 })).toMatch(
      /"body": \{"a":-5,"d":"1970-01-01T00:00:00.000Z","__proto__":1}}/,
    );
    const toJSON = { toJSON: (key: string) => ({ key, n: 1n }) };
    expect(encoded({ channel: 'a' }, { k: toJSON, l: [toJSON] })).toMatch(
      /"body": \{"k":\{"key":"k","n":1},"l":\[\{"key":"0","n":1}]}}/,
    );
  });

  it('says why it cannot', () => {
    const cycle: unknown[] = [];
    cycle.push({ cycle });
    const deep = (inner: unknown): unknown => {
      let value = inner;
      for (let i = 0; i < 200_000; i++) value = [value];
      return value;
    };
    const throwing = {
      get x(): number {
        throw new RangeError('of a getter');
      },
    };
    for (const [body, reason] of [
      [() => 1, /function/],
      [Symbol('x'), /symbol/],
      [cycle, /circular|itself/i],
      [[1n, cycle], /itself/],
      [deep(1), /too deep/],
      [deep(1n), /too deep/],
      [throwing, /of a getter/],
    ] as const) {
      expect(() => encoded({ channel: 'a' }, body)).toThrow(
        expect.objectContaining({ code: 'NOT_ENCODABLE', message: expect.stringMatching(reason) }),
      );
    }
    expect(() => encoded({ channel: 'a', fields: { body: 1 } }, 1)).toThrow(/head key `body`/);
    expect(() => encoded({ channel: 'a', time: NaN }, 1)).toThrow(TypeError);
    expect(() => encoded({ channel: 5 as unknown as string }, 1)).toThrow(TypeError);
  });

  it('writes binary data as its base64 text, wherever it is', () => {
    const data = Uint8Array.of(0, 1, 254, 255, 7);
    for (const binary of [data, Buffer.from(data), data.slice().buffer, new DataView(data.slice().buffer)]) {
      expect(encoded({ channel: 'a' }, { x: [binary] })).toContain('{"x":["AAH+/wc="]}');
      expect(encoded({ channel: 'a' }, binary)).toContain('"body": "AAH+/wc="');
    }
  });

  it('takes one object in two places, which is no cycle', () => {
    const twice = { n: 1n };
    expect(encoded({ channel: 'a' }, [twice, twice])).toMatch(/"body": \[\{"n":1},\{"n":1}]/);
  });
});

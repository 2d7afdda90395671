import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { JsonCodec } from '../../../src/codecs/index.js';
import { HeadMemo } from '../../../src/codecs/json/memo.js';
import { JsonReader } from '../../../src/codecs/json/reader.js';
import { JsonWriter } from '../../../src/codecs/json/writer.js';
import type { FrameSink, Limits } from '../../../src/contracts/index.js';
import { DEFAULT_LIMITS, SpokeError, withDefaults } from '../../../src/contracts/index.js';

const TRANSCRIPTS = new URL('../../fixtures/peer-transcripts/', import.meta.url);
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

class TextSink implements FrameSink {
  readonly block = new Uint8Array(400_000);
  reserve(): number {
    return 0;
  }
  commit(): void {}
}

const sink = new TextSink();
const writer = new JsonWriter();

/** All that a reader makes of a payload, as text. */
function outcome(reader: JsonReader, payload: Uint8Array, start = 0, end = payload.length): string {
  try {
    const view = reader.read(payload, start, end);
    const { head, time, id, bodyStart, bodyEnd } = view;
    const body = Buffer.from(payload.subarray(bodyStart, bodyEnd)).toString('latin1');
    const frame = Buffer.from(sink.block.subarray(0, writer.forward(view, 1795344144.5, sink))).toString('latin1');
    const named = Buffer.from(sink.block.subarray(0, writer.forwardAs('o:1', view, 1795344144.5, sink))).toString(
      'latin1',
    );
    const { channel, bounce, persist } = head;
    return JSON.stringify([channel, bounce, persist, Object.entries(head.fields()), time, id, body, frame, named]);
  } catch (error) {
    if (error instanceof SpokeError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

const fresh = (limits: Limits = DEFAULT_LIMITS): JsonReader => new JsonReader(limits, new HeadMemo(2));
const refusal = (text: string, limits: Partial<Limits> = {}): string =>
  outcome(fresh(withDefaults(limits)), bytes(text));

describe('the JSON reader', () => {
  it('reads what real peers send', () => {
    const codec = new JsonCodec();
    const reader = codec.createReader(DEFAULT_LIMITS);
    let messages = 0;
    for (const name of readdirSync(TRANSCRIPTS).filter((file) => file.endsWith('.jsonl'))) {
      for (const line of readFileSync(new URL(name, TRANSCRIPTS), 'utf8').trim().split('\n')) {
        const row = JSON.parse(line) as { from: string; text: string };
        codec.framing.createDeframer(1000).push(new TextEncoder().encode(row.text), {
          frame(chunk, start, end) {
            const text = Buffer.from(chunk.subarray(start, end)).toString();
            const sent = JSON.parse(text) as { head: Record<string, unknown>; body: unknown };
            const view = reader.read(chunk, start, end);
            expect(codec.decodeBody(view)).toEqual(sent.body);
            expect(view.time).toBe(sent.head['time']);
            expect(view.head.channel).toBe(sent.head['channel']);
            expect(view.head.persist).toBe(sent.head['persist'] ?? false);
            expect(view.head.bounce).toBe(sent.head['bounce'] ?? true);
            // What a server sent must come out of ours as it was.
            const length = codec.forward(view, 1, sink);
            const frame = Buffer.from(sink.block.subarray(0, length)).toString();
            if (row.from === 'server') expect(frame).toBe(`${text}\0`);
            messages++;
          },
          refused: (error) => {
            throw error;
          },
        });
      }
    }
    expect(messages).toBeGreaterThan(30);
  });

  it('gives a message that begins like an earlier one the same meaning as a reader that never saw one', () => {
    const channel = fc.constantFrom('a', 'b', '/a//b', 'a/b', 'é', '**/*', 'x'.repeat(300));
    const time = fc.constantFrom(
      '1795344144.5',
      '1795344145.25',
      '5',
      '-1e3',
      '1e999',
      '"x"',
      `1795344144.${'1'.repeat(90)}`,
    );
    const member = fc.oneof(
      channel.map((value) => `"channel": ${JSON.stringify(value)}`),
      time.map((value) => `"time": ${value}`),
      time.map((value) => `"tim\\u0065":${value}`),
      fc.constantFrom('"-id": "o:1"', '"-id": "o:22"', '"-id":"o:1"', '"-id": "\\u006f"', '"-id": 5', '"-id": "é"'),
      fc.constantFrom(
        '"bounce": false',
        '"persist": true',
        '"n": 1',
        '"n": 2',
        '"t}": "{"',
        '"o": {"time": 7}',
        '"self": 1',
      ),
    );
    const id = fc.constantFrom('"-id": "o:1"', '"-id": "o:333"', '"-id": "p:1"');
    const before = fc.tuple(fc.array(id, { maxLength: 1 }), fc.array(member, { maxLength: 3 }));
    const head = fc
      .tuple(
        before.map(([first, more]) => [...first, ...more]),
        channel,
        fc.array(member, { maxLength: 2 }),
        fc.constantFrom(', ', ',', ' , '),
      )
      .map(([members, name, after, comma]) => [...members, `"channel": ${JSON.stringify(name)}`, ...after].join(comma));
    const body = fc.constantFrom(
      '1',
      '{"x": [1.5]}',
      '"}"',
      'nope',
      '',
      '[1',
      '2 ',
      '3}',
      '4, "body": 5',
      '6, "head": {"channel": "z"}',
    );
    const layout = fc.constantFrom(
      ['{"head": {', '}, "body": '],
      ['{"head":{', '},"body":'],
      ['{ "head": {', '} , "body":'],
    );
    const message = fc
      .tuple(layout, head, body, fc.nat(400), fc.boolean())
      .map(([[open, middle], inside, value, cut, cutIt]) => {
        const text = Buffer.from(`${open}${inside}${middle}${value}}`);
        return new Uint8Array(cutIt ? text.subarray(0, cut) : text);
      });
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(5), { minLength: 10, maxLength: 40 }),
        fc.constantFrom(2, 4096),
        (messages, order, slots) => {
          const limits = withDefaults({ headBytes: 120, channelLength: 200 });
          const memo = new HeadMemo(slots);
          const readers = [new JsonReader(limits, memo), new JsonReader(limits, memo)];
          order.forEach((index, i) => {
            const payload = messages[index % messages.length] ?? new Uint8Array(0);
            const reader = readers[i % 3 === 0 ? 1 : 0] ?? fresh();
            expect(outcome(reader, payload)).toBe(outcome(fresh(limits), payload));
          });
        },
      ),
      { numRuns: 150 },
    );
  });

  it('takes exactly the messages that JSON.parse can read and that say where they go', () => {
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const isObject = (value: unknown): value is Record<string, unknown> =>
      typeof value === 'object' && value !== null && !Array.isArray(value);
    const oracle = (payload: Uint8Array): boolean => {
      try {
        const message: unknown = JSON.parse(strict.decode(payload));
        if (!isObject(message) || !isObject(message['head'])) return false;
        const { channel, time = 0 } = message['head'];
        const forbidden = ['self', 'body'].some((key) => Object.hasOwn(Object(message['head']), key));
        return typeof channel === 'string' && typeof time === 'number' && Number.isFinite(time) && !forbidden;
      } catch {
        return false;
      }
    };
    const piece = fc.constantFrom(
      ...[
        '{"head": {',
        '"channel": "a"',
        '"time": ',
        '1795344144.5',
        '1e999',
        '}, "body": ',
        '}',
        '{',
        '[1]',
        '"body": 1',
        ', ',
      ],
      ...[
        '11111111111111111111111111111111111111}',
        '"head": ',
        '"',
        '\\',
        ' ',
        '0',
        '-',
        'e',
        '\xc3\xa4',
        '\x80',
        '"self": 1',
        'null',
      ],
    );
    const whole = fc.constantFrom(
      '{"head": {"channel": "a/b"}, "body": {"x": 1.5}}',
      '{"head": {"channel": "a/b", "time": 1795344144.659854}, "body": "x"}',
      '{"head": {"time": 1795344144.659854, "bounce": false, "channel": "a/b"}, "body": [true]}',
      '{"head":{"channel":"a","n":[1,{"m":2}]},"body":null}',
    );
    const damage = fc.tuple(
      fc.nat(80),
      fc.nat(3),
      fc.oneof(
        piece,
        fc.nat(255).map((byte) => String.fromCharCode(byte)),
      ),
    );
    const message = fc.oneof(
      whole,
      fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join('')),
      fc.tuple(whole, damage).map(([text, [at, lost, put]]) => text.slice(0, at) + put + text.slice(at + lost)),
    );
    const reader = new JsonReader(DEFAULT_LIMITS, new HeadMemo());
    fc.assert(
      fc.property(message, (text) => {
        const payload = bytes(text);
        for (let i = 0; i < 2; i++) {
          const result = outcome(reader, payload);
          expect([text, !/^[A-Z_]+: /.test(result)]).toEqual([text, oracle(payload)]);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('lets go of the memory of a big message', async () => {
    const reader = fresh();
    const payload = bytes(`{"head": {"channel": "a"}, "body": "${'x'.repeat(300_000)}"}`);
    const view = reader.read(payload, 0, payload.length);
    expect(view.bytes).toBe(payload);
    await Promise.resolve();
    expect(view.bytes.length).toBe(0);
    expect(outcome(reader, payload)).toBe(outcome(fresh(), payload));
  });

  it('is not misled by heads that share a place in its memory', () => {
    const message = fc.tuple(fc.nat(3), fc.boolean(), fc.nat(1));
    fc.assert(
      fc.property(fc.array(message, { minLength: 100, maxLength: 300 }), (messages) => {
        const memo = new HeadMemo(2);
        const readers = [new JsonReader(DEFAULT_LIMITS, memo), new JsonReader(DEFAULT_LIMITS, memo)];
        for (const [channel, timed, reader] of messages) {
          const time = timed ? ', "time": 1795344144.25' : '';
          const payload = bytes(`{"head": {"channel": "channel/${channel}"${time}}, "body": 1}`);
          const view = readers[reader]?.read(payload, 0, payload.length);
          expect(view?.head.channel).toBe(`channel/${channel}`);
          expect(view?.time).toBe(timed ? 1795344144.25 : undefined);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('holds known heads to the limit however long their time is written', () => {
    const limits = withDefaults({ headBytes: 60 });
    const reader = new JsonReader(limits, new HeadMemo());
    const message = (time: string): Uint8Array => bytes(`{"head": {"channel": "a", "time": ${time}}, "body": 1}`);
    for (const time of [
      '1795344144.5',
      '1795344145.5',
      '1795344146.5',
      `1795344146.${'5'.repeat(40)}`,
      '1795344147.5',
    ]) {
      expect(outcome(reader, message(time))).toBe(outcome(fresh(limits), message(time)));
    }
  });

  it('keeps messages apart that begin with their body, or repeat members', () => {
    const reader = new JsonReader(DEFAULT_LIMITS, new HeadMemo());
    const texts = ['a', 'b', 'c'].flatMap((channel) => [
      `{"body": {"some": "text"}, "head": {"channel": "${channel}"}}`,
      `{"body": 1, "head": {"channel": "${channel}"}}`,
      `{"head": {"channel": "first"}, "body": {"x": 1}, "head": {"channel": "${channel}"}}`,
      `{"head": {"channel": "first"}, "head": {"channel": "${channel}"}, "body": 1}`,
      `{"head": {"channel": "${channel}"}, "body": 1, "body": 2}`,
      `{"head": {"channel": "${channel}"}, "x": {}, "body": 1}`,
      `{"head": {"channel": "${channel}"}, "x": {"y": 1}}`,
      `{"head": {"channel": "${channel}"}}`,
      '{"body": 1}',
      '{"body": {}}',
    ]);
    for (let i = 0; i < 200; i++) {
      const payload = bytes(texts[(i * 7) % texts.length] ?? '');
      expect(outcome(reader, payload)).toBe(outcome(fresh(), payload));
    }
  });

  it('uses one object for all messages', () => {
    const reader = fresh();
    const first = reader.read(bytes('{"head": {"channel": "a"}, "body": 1}'), 0, 37);
    const again = reader.read(bytes('{"head": {"channel": "b"}, "body": 1}'), 0, 37);
    expect(again).toBe(first);
    expect(first.head.channel).toBe('b');
  });

  it('gives the same head to messages that differ in time and body only', () => {
    const reader = new JsonReader(DEFAULT_LIMITS, new HeadMemo());
    const heads = Array.from({ length: 20 }, (_, i) => {
      const payload = bytes(`{"head": {"channel": "a/b", "time": ${1795344144.5 + i}}, "body": ${i}}`);
      return reader.read(payload, 0, payload.length).head;
    });
    expect(new Set(heads.slice(2)).size).toBe(1);
  });

  it('reads chunks of many buffers, and ranges within them', () => {
    const reader = new JsonReader(DEFAULT_LIMITS, new HeadMemo());
    for (let i = 0; i < 50; i++) {
      const text = `{"head": {"channel": "a/${i % 3}"}, "body": "${'x'.repeat(i)}"}`;
      const memory = bytes(`${'}'.repeat(i)}${text}"""""""""`);
      const chunk = memory.subarray(i % 5);
      const start = i - (i % 5);
      const view = reader.read(chunk, start, start + text.length);
      expect(view.head.channel).toBe(`a/${i % 3}`);
      expect(Buffer.from(chunk.subarray(view.bodyStart, view.bodyEnd)).toString()).toBe(`"${'x'.repeat(i)}"`);
    }
  });

  it('decodes the fields of a head when they are asked for, and hands out nothing that can be changed', () => {
    const payload = bytes(
      '{"head": {"channel": "/a/", "time": 1, "bounce": true, "x": {"y": [1]}, "__proto__": 2}, "body": 1}',
    );
    const fields = fresh().read(payload, 0, payload.length).head.fields();
    expect(Object.entries(fields)).toEqual([
      ['channel', 'a'],
      ['x', { y: [1] }],
      ['__proto__', 2],
    ]);
    expect(Object.isFrozen(fields)).toBe(true);
    expect(Object.isFrozen((fields['x'] as { y: unknown }).y)).toBe(true);
  });

  it('says what is wrong, and shows a piece of it', () => {
    expect(refusal('')).toBe("MALFORMED: the message is empty: ''");
    expect(refusal('[1]')).toBe("MALFORMED: the message is not an object: '[1]'");
    expect(refusal('{"x": 1}')).toMatch(/the message has no `head`/);
    expect(refusal('{"head": []}')).toMatch(/`head` is not an object: '\[\]'/);
    expect(refusal('{"head": {"x": 1}}')).toMatch(/`head` has no `channel`/);
    expect(refusal('{"head": {"channel": 1}}')).toMatch(/`channel` is not a string/);
    expect(refusal('{"head": {"channel": "a", "self": 1}}')).toMatch(/the key `self`, which no peer can take/);
    expect(refusal('{"head": {"channel": "a"}, "body": [1, NaN]}')).toMatch(/`body` is not valid JSON at byte 39/);
    expect(refusal('{"head": {"channel": "a"}, "body": [1')).toMatch(/`body` ends too early/);
    expect(refusal('{"head": {"channel": "a"}, "body": 1} true')).toMatch(/bytes follow the message: 'true'/);
    expect(refusal('{"head": {"channel": "a", "time": "now"}}')).toMatch(/TIME_INVALID: `time` is not .* '"now"'/);
    expect(refusal(`{"head": {"channel": "${'x'.repeat(20)}"}}`, { channelLength: 10 })).toMatch(
      /limits\.channelLength/,
    );
    expect(refusal('{"head": {"channel": "a/b/c"}}', { channelDepth: 2 })).toMatch(/3 tokens.*limits\.channelDepth/);
    expect(refusal('{"head": {"channel": "a", "x": 12345}}', { headBytes: 20 })).toMatch(/limits\.headBytes/);
    expect(refusal('{"head": {"channel": "a"}, "body": [[]]}', { bodyDepth: 1 })).toMatch(
      /deeper than 1 .*limits\.bodyDepth/,
    );
  });

  it('shows at most 60 characters, and none that could harm a terminal', () => {
    const text = refusal(`\x1b[31m\x00\xff\n${'y'.repeat(500)}`);
    expect(text).toMatch(/: '\\x1b\[31m\\x00\\xff\\x0ay+…'$/);
    expect(text.slice(text.indexOf("'") + 1, -1)).toHaveLength(60);
  });
});

describe('the memory of heads', () => {
  it('comes to know thousands of channels that take turns', () => {
    const reader = new JsonReader(DEFAULT_LIMITS, new HeadMemo());
    const frames = Array.from({ length: 5000 }, (_, i) =>
      Buffer.from(`{"head": {"channel": "robot/${1000 + i}/pose"}, "body": 1}`),
    );
    const heads = () => frames.map((frame) => reader.read(frame, 0, frame.length).head);
    for (let round = 0; round < 20; round++) heads();
    const before = heads();
    const known = heads().filter((head, i) => head === before[i]).length;
    expect(known).toBeGreaterThan(4500);
  });
});

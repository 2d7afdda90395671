// Byte streams that look more or less like conversations.

import { Buffer } from 'node:buffer';
import { fc } from '../support/fast-check.js';
import { MsgpackCodec } from '../../src/codecs/msgpack/index.js';
import { BlockSink } from '../../src/link/index.js';
import { STRANGE, UNREADABLE } from '../interop/bad-messages.js';
import { rowsOf, TRANSCRIPTS } from '../interop/transcript.js';

/** A stream cut into the pieces in which it is written. */
export interface Stream {
  readonly pieces: readonly Uint8Array[];
  toString(): string;
}

type Change = (bytes: Buffer) => Buffer;

const recorded = (from: 'client' | 'server'): Buffer[] =>
  TRANSCRIPTS.flatMap((name) => rowsOf(name))
    .filter((row) => row.from === from)
    .map(({ text }) => Buffer.from(text));

const EXTENSIONS = [
  '{"head": {"channel": "-control/hello", "bounce": false}, "body": {"nonce": "abc", "features": ["errors", "ping"]}}\0',
  '{"head": {"channel": "-control/welcome"}, "body": {"nonce": "abc", "features": ["errors"], "server": "x/1"}}\0',
  '{"head": {"channel": "-control/error"}, "body": {"code": "FORBIDDEN", "message": "no", "channel": "a"}}\0',
  '{"head": {"channel": "-control/ping/abc/1"}, "body": null}\0',
  '{"head": {"channel": "-control/subscribe", "bounce": false}, "body": "-control/ping/abc/*"}\0',
  '{"head":{"channel":"tight","persist":true,"time":12.5},"body":{"a":[1,2,3]}}\0',
].map((text) => Buffer.from(text));

const ODD = [...STRANGE.map(({ text }) => Buffer.from(text)), ...UNREADABLE.map(({ bytes }) => Buffer.from(bytes))]
  .filter(({ length }) => length < 2000)
  .map((bytes) => Buffer.concat([bytes, Uint8Array.of(0)]));

/** What breaks parsers: put anywhere. */
const TOKENS = [
  ...'{ } [ ] " , : \\ \\u \\ud800 \\u0000 null true NaN 1e999 -0 1. 0x1 ** * / // **/ -control/ \u007f \ufeff'.split(
    ' ',
  ),
  ...'"head" "body" "time" "channel" "self" "bounce" "persist" "__proto__" "constructor"'.split(' '),
  ...['\0', '\0\0', ' ', '\n', '9'.repeat(40), 'x'.repeat(3000), '/a'.repeat(100)],
  ...['[['.repeat(200), '{"a":'.repeat(200), '"time": 1e300', '"persist": true'],
].map((text) => Buffer.from(text));

const at = fc.double({ min: 0, max: 1, noNaN: true });
const position = (bytes: Uint8Array, where: number): number => Math.floor(where * bytes.length);
const insert = (bytes: Buffer, where: number, part: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, position(bytes, where)), part, bytes.subarray(position(bytes, where))]);

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(at, fc.nat(255)).map(([where, value]): Change => (bytes) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[Math.min(position(copy, where), copy.length - 1)] = value;
    return copy;
  }),
  fc.tuple(at, fc.nat(7)).map(([where, bit]): Change => (bytes) => {
    const copy = Buffer.from(bytes);
    const index = Math.min(position(copy, where), copy.length - 1);
    if (copy.length > 0) copy[index] = (copy[index] ?? 0) ^ (1 << bit);
    return copy;
  }),
  fc.tuple(at, fc.constantFrom(...TOKENS)).map(
    ([where, token]): Change =>
      (bytes) =>
        insert(bytes, where, token),
  ),
  fc.tuple(at, fc.uint8Array({ maxLength: 40 })).map(
    ([where, part]): Change =>
      (bytes) =>
        insert(bytes, where, part),
  ),
  fc.tuple(at, at).map(([one, other]): Change => (bytes) => {
    const [from, to] = [position(bytes, Math.min(one, other)), position(bytes, Math.max(one, other))];
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  }),
  fc.tuple(at, at, at).map(([one, other, where]): Change => (bytes) => {
    const [from, to] = [position(bytes, Math.min(one, other)), position(bytes, Math.max(one, other))];
    return insert(bytes, where, bytes.subarray(from, to));
  }),
);

const mutated = (seeds: readonly Buffer[]): fc.Arbitrary<Buffer> =>
  fc
    .tuple(fc.array(fc.constantFrom(...seeds), { minLength: 1, maxLength: 6 }), fc.array(change, { maxLength: 6 }))
    .map(([messages, changes]) => changes.reduce<Buffer>((bytes, apply) => apply(bytes), Buffer.concat(messages)));

const tokens = fc.array(fc.constantFrom(...TOKENS), { maxLength: 60 }).map((parts) => Buffer.concat(parts));
const noise = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes));

// Well-formed, with anything where something certain is expected.
const anyValue = fc.jsonValue({ maxDepth: 3 });
const channel = fc.oneof(
  fc
    .array(fc.constantFrom('a', 'b', '*', '**', '', 'robot', '-rpc', '-control', 'ping'), { maxLength: 6 })
    .map((list) => list.join('/')),
  fc.constantFrom('-control/subscribe', '-control/unsubscribe', '-control/hello', '-control/ping/a/1', '-control/x'),
  fc.string(),
);
const wellFormed = fc
  .record({
    head: fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record(
          {
            channel: fc.oneof({ weight: 9, arbitrary: channel }, anyValue),
            time: anyValue,
            bounce: anyValue,
            persist: anyValue,
            more: anyValue,
          },
          { requiredKeys: ['channel'] },
        ),
      },
      { weight: 1, arbitrary: anyValue },
    ),
    body: fc.oneof(anyValue, channel),
  })
  .map((message) => Buffer.from(`${JSON.stringify(message)}\0`));

/** @param from - whose recorded messages are the seeds: those of clients for a broker, those of servers for a client. */
export function stream(from: 'client' | 'server'): fc.Arbitrary<Stream> {
  const seeds = [...recorded(from), ...EXTENSIONS, ...ODD];
  return inPieces(
    fc.oneof(
      { weight: 6, arbitrary: mutated(seeds) },
      { weight: 2, arbitrary: wellFormed },
      { weight: 1, arbitrary: tokens },
      { weight: 1, arbitrary: noise },
    ),
  );
}

const patternText = fc
  .array(fc.constantFrom('a', 'b', '*', '**', '**', ''), { maxLength: 14 })
  .map((list) => JSON.stringify(list.join('/')));
const controlMessage = fc
  .oneof(
    fc.tuple(fc.constantFrom('subscribe', 'subscribe', 'unsubscribe'), fc.oneof(patternText, fc.constant('[5]'))),
    fc.tuple(
      fc.constant('hello'),
      fc.constantFrom(
        '{"nonce": "n", "features": ["ping"]}',
        '{"nonce": "n", "features": []}',
        '{"nonce": "n"}',
        'null',
      ),
    ),
    fc.tuple(fc.constantFrom('ping/a/1', 'ping/', 'ping', 'welcome', 'error', 'x'), fc.constantFrom('null', '"a"')),
    fc.tuple(
      fc.constant('subscribe'),
      fc.constantFrom('"-control/ping/a/*"', '"-control/ping/*/*"', '"/-control/ping//a/*"'),
    ),
  )
  .map(([name, body]) => `{"head": {"channel": "-control/${name}"}, "body": ${body}}\0`);

/**
 * Ordinary messages with few different heads, again and again, each piece a whole one: what remembers heads, or takes one
 * for another that stood in the same place, has its chance here.
 */
export function repetitions(): fc.Arbitrary<Stream> {
  const short = fc.constantFrom('a', 'b', 'a/a', 'a/b', 'b/a', 'b/b', '/a/b', 'b/a/', '-control/ping/a/1');
  const flag = fc.constantFrom('', ', "persist": true', ', "persist": 0', ', "bounce": false', ', "x": [1]');
  const time = fc.constantFrom(
    '',
    '',
    ', "time": 1.5',
    ', "time": 2.5',
    ', "time": 12',
    ', "time": 1e1',
    ', "time": 9e99',
  );
  const value = fc.constantFrom('1', '2', '[1]', '{"a": 1}', '"-control/subscribe"', '{"head": {"channel": "b"}}');
  const layout = fc.constantFrom(
    (head: string, body: string) => `{"head": {${head}}, "body": ${body}}\0`,
    (head: string, body: string) => `{"head":{${head}},"body":${body}}\0`,
    (head: string, body: string) => `{"body": ${body}, "head": {${head}}}\0`,
    (head: string) => `{"head": {${head}}}\0`,
  );
  const message = fc
    .tuple(short, flag, time, value, layout, fc.boolean())
    .map(([name, more, stamp, body, lay, first]) =>
      first
        ? lay(`"channel": "${name}"${more}${stamp}`, body)
        : lay(`${`${more}${stamp}, `.slice(2)}"channel": "${name}"`, body),
    );
  const few = fc.array(fc.oneof(message, controlMessage), {
    minLength: 1,
    maxLength: 12,
  });
  return fc.tuple(few, fc.array(fc.nat(11), { minLength: 1, maxLength: 40 })).map(([messages, order]) => {
    const pieces = order.map((index) => Buffer.from(messages[index % messages.length] ?? ''));
    return { pieces, toString: () => JSON.stringify(pieces.map(String)) };
  });
}

/** Frames of the other codec, more or less: lengths that lie, and bodies that end too early. */
export function msgpackStream(): fc.Arbitrary<Stream> {
  const codec = new MsgpackCodec();
  const encoded = (channel: string, body: unknown, persist = false): Buffer => {
    const sink = new BlockSink();
    codec.encode({ channel, persist }, body, sink);
    return Buffer.from(sink.block.subarray(0, sink.position));
  };
  const seeds = [
    encoded('-control/subscribe', 'a/**'),
    encoded('-control/unsubscribe', 'a/**'),
    encoded('-control/subscribe', 5),
    encoded('-control/hello', { nonce: 'n', features: ['errors', 'ping'] }),
    encoded('-control/ping/n/1', null),
    encoded('a/b', { x: [1, -1, 1.5, null, true, 'Grüße', { deep: [[[]]] }] }),
    encoded('a/c', new Uint8Array(300), true),
    encoded('a/c', 2n ** 63n, true),
    encoded('a/d', new Date(0)),
    Buffer.from('00000005deadbeef', 'hex'),
    Buffer.from('00ffffff', 'hex'),
    Buffer.from('00000000', 'hex'),
  ];
  return inPieces(fc.oneof({ weight: 5, arbitrary: mutated(seeds) }, { weight: 1, arbitrary: noise }));
}

function inPieces(part: fc.Arbitrary<Buffer>): fc.Arbitrary<Stream> {
  const bytes = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => Buffer.concat(parts));
  return fc.tuple(bytes, fc.array(at, { maxLength: 6 })).map(([all, cuts]) => {
    const ends = [...cuts.map((cut) => position(all, cut)), all.length].sort((a, b) => a - b);
    const pieces = ends.map((end, i) => all.subarray(ends[i - 1] ?? 0, end)).filter(({ length }) => length > 0);
    return { pieces, toString: () => JSON.stringify(pieces.map((piece) => piece.toString('latin1'))) };
  });
}

/**
 * What a message costs each codec, step by step: nanoseconds each, and as a share of JSON.parse of the whole message.
 *
 * npm run bench:micro -- codec [part of a name, such as "msgpack, 128 B"]
 *
 * Messages differ from each other, as real ones do: a single repeated one lets the processor learn its branches by heart
 * and halves the figures. They lie in 64 KiB chunks, as a socket delivers them.
 */
import { JsonCodec, MsgpackCodec } from '../../../src/codecs/index.js';
import { checkValue as checkJson } from '../../../src/codecs/json/checker.js';
import { checkValue as checkMsgpack } from '../../../src/codecs/msgpack/checker.js';
import type { Codec, FrameHandler, FrameSink, MessageView } from '../../../src/contracts/index.js';
import { DEFAULT_LIMITS } from '../../../src/contracts/index.js';

const CHUNK_BYTES = 64 * 1024;
const NOW = 1795344144.659;

/** Keeps results alive, so that nothing measured is optimised away. */
let kept = 0;

/** Nanoseconds a message: the best of many short rounds, the one least disturbed by whoever shares the machine. */
function measure(each: number, operation: () => void): number {
  let best = Infinity;
  const stop = Date.now() + 600;
  // The first rounds compile the code.
  for (let round = 0; round < 20 || Date.now() < stop; round++) {
    const start = process.hrtime.bigint();
    operation();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / each);
  }
  return best;
}

// A generator of its own, so that every run measures the same bytes.
let seed = 42;
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}

const letters = (count: number): string =>
  Array.from({ length: count }, () => 'abcdefghijklmnop qrstuvwxyz'.charAt(random() * 27)).join('');
const decimal = (digits: number): number => Number((random() * 10 ** (1 + random() * 2)).toFixed(digits));

/** The codec alone: no block is ever allocated. */
class RingSink implements FrameSink {
  readonly block = new Uint8Array(1024 * 1024);
  #position = 0;
  reserve(bytes: number): number {
    if (bytes > this.block.length - this.#position) this.#position = 0;
    return this.#position;
  }
  commit(bytes: number): void {
    this.#position += bytes;
  }
  /** A copy of what was written last. */
  last(bytes: number): Uint8Array {
    return this.block.slice(this.#position - bytes, this.#position);
  }
}

const written = new RingSink();

interface Kind {
  readonly name: string;
  readonly channel: (i: number) => string;
  readonly body: () => unknown;
  readonly timed?: boolean;
  /** With an id, as bridges send them. */
  readonly identified?: boolean;
}

const pose = (): unknown => ({
  x: decimal(3),
  y: decimal(2),
  label: letters(16),
  ok: true,
  n: Math.floor(random() * 1e6),
});
const wide = (): unknown => ({
  position: { x: decimal(3), y: decimal(2), z: -decimal(3) },
  label: letters(16),
  ok: random() < 0.5,
  joints: Array.from({ length: 6 }, () => decimal(2)),
  n: Math.floor(random() * 1e6),
});
const same = (): string => 'robot/arm/pose';
const KINDS: readonly Kind[] = [
  { name: '128 B object', channel: same, body: pose },
  { name: '128 B object, with a time', channel: same, body: pose, timed: true },
  { name: '128 B object, with an id and a time', channel: same, body: pose, timed: true, identified: true },
  { name: '128 B object, 500 channels', channel: (i) => `robot/${i % 500}/pose`, body: pose },
  { name: '128 B object, channels never repeat', channel: (i) => `robot/arm/-rpc/${i}`, body: pose },
  { name: '128 B text', channel: same, body: () => letters(86) },
  { name: '198 B object', channel: same, body: wide },
  { name: '64 KiB objects', channel: same, body: () => Array.from({ length: 450 }, wide) },
  { name: '64 KiB text', channel: same, body: () => letters(65_000) },
];

/** As Python writes it. */
function python(value: unknown): string {
  return JSON.stringify(value, null, 1)
    .replaceAll(/\n */g, ' ')
    .replaceAll(/([{[]) | ([}\]])/g, '$1$2');
}

type CheckBody = (start: number, end: number) => number;

interface Format {
  readonly name: string;
  readonly make: () => Codec;
  /** One frame, as a client sends it; `text` is what a peer would send. */
  readonly frame: (codec: Codec, text: string, message: { head: { channel: string }; body: unknown }) => Uint8Array;
  readonly checker: (bytes: Uint8Array) => CheckBody;
}

const FORMATS: readonly Format[] = [
  {
    name: 'json',
    make: () => new JsonCodec(),
    frame: (_, text) => Buffer.from(`${text}\0`),
    checker(bytes) {
      const data = new DataView(bytes.buffer);
      return (start, end) => checkJson(data, start, end, 900);
    },
  },
  {
    name: 'msgpack',
    make: () => new MsgpackCodec(),
    frame: (codec, _, { head, body }) => written.last(codec.encode(head, body, written)),
    checker: (bytes) => (start, end) => checkMsgpack(bytes, start, end, 900),
  },
];

const only = process.argv.slice(2).join(' ');
const cases = FORMATS.flatMap((format) =>
  KINDS.map((kind) => ({ format, kind, title: `${format.name}, ${kind.name}` })),
);

for (const { format, kind, title } of cases.filter((one) => one.title.includes(only))) {
  const codec = format.make();
  const values: unknown[] = [];
  const texts: string[] = [];
  const frames: Uint8Array[] = [];
  const big = kind.name.startsWith('64');
  let bytes = 0;
  // A head that never repeats needs more messages than its memory has slots.
  const wanted = kind.name.includes('never') ? 1_500_000 : CHUNK_BYTES * (big ? 8 : 1);
  for (let i = 0; bytes < wanted; i++) {
    const body = kind.body();
    const time = kind.timed === true ? NOW + decimal(3) : undefined;
    const id = kind.identified === true ? `3f2a9c01d4e5b6a7f8091a2b:${100_000 + i}` : undefined;
    const channel = kind.channel(i);
    const head = { channel, ...(time !== undefined && { time }), ...(id !== undefined && { id }) };
    const before = id === undefined ? '' : `"-id": "${id}", `;
    const after = time === undefined ? '' : `, "time": ${time}`;
    const text = `{"head": {${before}"channel": "${channel}"${after}}, "body": ${python(body)}}`;
    values.push(body);
    texts.push(text);
    frames.push(format.frame(codec, text, { head, body }));
    bytes += text.length + 1;
  }
  const whole = new Uint8Array(Buffer.concat(frames));
  const check = format.checker(whole);
  const chunk = CHUNK_BYTES * (big ? 2 : 1);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < whole.length; at += chunk) chunks.push(whole.subarray(at, at + chunk));
  const count = texts.length;
  const bounds: [number, number][] = [];
  codec.framing.createDeframer(DEFAULT_LIMITS.messageBytes).push(whole, {
    frame: (_, start, end) => void bounds.push([start, end]),
    refused() {},
  });

  const sink = new RingSink();
  const reader = codec.createReader(DEFAULT_LIMITS);
  const handler = (frame: (view: MessageView) => void): FrameHandler => ({
    frame: (data, start, end) => frame(reader.read(data, start, end)),
    refused: (error) => {
      throw error;
    },
  });
  const counting: FrameHandler = { frame: (_, start, end) => void (kept += end - start), refused() {} };
  const forwarding = handler((view) => void (kept += codec.forward(view, NOW, sink)));
  const identifying = handler((view) => void (kept += codec.forward(view, NOW, sink, view.id ?? 'an origin:12345')));
  const deframer = codec.framing.createDeframer(DEFAULT_LIMITS.messageBytes);
  const bodies = bounds.map(([start, end]): [number, number] => {
    const read = reader.read(whole, start, end);
    return [read.bodyStart, read.bodyEnd];
  });
  const channel = kind.channel(0);

  const rows: [string, () => void][] = [
    ['deframe', () => chunks.forEach((part) => deframer.push(part, counting))],
    ['read', () => bounds.forEach(([start, end]) => void (kept += reader.read(whole, start, end).bodyEnd))],
    ['  of that, check body', () => bodies.forEach(([start, end]) => void (kept += check(start, end)))],
    ['deframe + read + forward', () => chunks.forEach((part) => deframer.push(part, forwarding))],
    ['deframe + read + forward, id', () => chunks.forEach((part) => deframer.push(part, identifying))],
    ['encode', () => values.forEach((body) => void (kept += codec.encode({ channel }, body, sink)))],
    [
      'read + decodeBody',
      () =>
        bounds.forEach(([start, end]) => void (kept += codec.decodeBody(reader.read(whole, start, end)) === 1 ? 1 : 0)),
    ],
    ['JSON.parse of the whole text', () => texts.forEach((text) => void (kept += JSON.parse(text) === null ? 1 : 0))],
  ];
  console.log(`${title}: ${Math.round(whole.length / count)} bytes`);
  const parse = measure(count, rows.at(-1)?.[1] ?? (() => undefined));
  for (const [name, operation] of rows) {
    const time = measure(count, operation);
    console.log(`  ${name.padEnd(32)}${time.toFixed(0).padStart(8)} ns ${(time / parse).toFixed(2).padStart(8)}`);
  }
}
if (kept === 1) console.log();

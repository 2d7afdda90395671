// A stream that cannot be read on: the one who sent it is told why, and nobody else notices.

import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { once } from 'node:events';

import { Broker } from '../../src/broker/index.js';
import { MsgpackCodec } from '../../src/codecs/index.js';
import { DEFAULT_LIMITS } from '../../src/contracts/index.js';
import { BlockSink } from '../../src/link/index.js';
import { Client } from '../../src/node/index.js';

let broker: Broker;
let url: string;
const warnings: string[] = [];

beforeEach(async () => {
  warnings.length = 0;
  const quiet = () => {};
  const logger = { debug: quiet, info: quiet, error: quiet, warn: (_: object, text: string) => warnings.push(text) };
  broker = await Broker.start({ listen: 'tcp://127.0.0.1:0', logger });
  url = broker.addresses[0] ?? '';
});

afterEach(async () => broker.close());

it('a length of four gigabytes is answered with an error in msgpack, and the connection is closed', async () => {
  const healthy = await Client.connect({ url });
  const seen: unknown[] = [];
  await healthy.subscribe('n', ({ body }) => seen.push(body));

  const codec = new MsgpackCodec();
  const sink = new BlockSink();
  const length = codec.encode({ channel: '-control/hello', bounce: false }, { nonce: 'x', features: ['errors'] }, sink);
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(sink.block.slice(sink.position - length, sink.position));
  socket.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2, 3));
  await once(socket, 'close');

  const told: unknown[] = [];
  const reader = codec.createReader(DEFAULT_LIMITS);
  codec.framing.createDeframer(DEFAULT_LIMITS.messageBytes).push(new Uint8Array(Buffer.concat(chunks)), {
    frame(bytes, start, end) {
      const view = reader.read(bytes, start, end);
      told.push([view.head.channel, codec.decodeBody(view)]);
    },
    refused(error) {
      throw error;
    },
  });
  expect(told).toEqual([
    ['-control/welcome', expect.objectContaining({ nonce: 'x' })],
    ['-control/error', expect.objectContaining({ code: 'MALFORMED', message: expect.stringContaining('out of step') })],
  ]);
  expect(warnings.join('\n')).toContain('out of step');

  await healthy.publish('n', 1);
  await healthy.flush();
  expect(seen).toEqual([1]);
  await healthy.close();
});

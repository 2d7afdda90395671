// Newcomers for whom there is no place, on real sockets: those who can understand it are told why, and nobody waits for them.

import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { Broker } from '../../../src/broker/index.js';
import type { SpokeError } from '../../../src/contracts/index.js';
import { Client } from '../../../src/node/index.js';
import { within } from '../../support/within.js';

let broker: Broker;
let url: string;
let inside: Client;
beforeEach(async () => {
  broker = await Broker.start({ listen: 'tcp://127.0.0.1:0', limits: { connectionsPerAddress: 1 } });
  [url = ''] = broker.addresses;
  inside = await Client.connect(url);
});
afterEach(async () => {
  await inside.close();
  await broker.close();
});

/** Opens a connection, says this, and resolves with what was said until the other side has ended it. */
async function knock(words: string): Promise<string> {
  const heard: Buffer[] = [];
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
  socket.on('data', (bytes) => heard.push(bytes)).on('error', () => {});
  if (words !== '') socket.write(words);
  await within(new Promise((resolve) => socket.on('close', resolve)), 'the end of a newcomer');
  return Buffer.concat(heard).toString();
}

const hello = (features: string) =>
  `{"head": {"channel": "-control/hello"}, "body": {"nonce": "n1", "features": [${features}]}}\0`;

describe('a newcomer over a limit', () => {
  it.each(['json', 'msgpack'])('that is a client is told why, in %s, and gets in when there is room', async (codec) => {
    const told: (string | undefined)[] = [];
    const client = new Client({ url, codec, reconnect: { minDelay: 5, maxDelay: 10 } });
    const flushed = new Promise<void>((resolve, reject) => {
      client.on('state', (state, error) => {
        if (state !== 'reconnecting') return;
        told.push(error?.code);
        if (told.length === 1) inside.close().then(() => client.flush().then(resolve, reject), reject);
      });
    });
    await client.connect();
    await within(flushed, 'a place');
    expect(new Set(told)).toEqual(new Set(['LIMIT_EXCEEDED']));
    await client.close();
  });

  it('that does not connect again is closed with that', async () => {
    const client = new Client({ url, reconnect: false });
    const closed = new Promise<SpokeError | undefined>((resolve) => {
      client.on('state', (state, error) => {
        if (state === 'closed') resolve(error);
      });
    });
    await client.connect();
    const error = await within(closed, 'the end');
    expect(error?.code).toBe('LIMIT_EXCEEDED');
    expect(error?.message).toContain('limits.connectionsPerAddress');
  });

  it('that knows nothing of errors is told nothing', async () => {
    expect(await knock('{"head": {"channel": "-control/subscribe"}, "body": "**"}\0')).toBe('');
    expect(await knock(hello(''))).toBe('');
    expect(await knock('{"rubbish"\0')).toBe('');
  });

  it('that asked for errors is told, with the nonce of its hello', async () => {
    const [frame = ''] = (await knock(hello('"errors"'))).split('\0');
    const { head, body } = JSON.parse(frame);
    expect(head.channel).toBe('-control/error');
    expect(body).toMatchObject({ code: 'LIMIT_EXCEEDED', nonce: 'n1' });
  });

  it('takes no place and no time: a hundred that say nothing, or begin and do not end, are gone after a second', async () => {
    const began = performance.now();
    const words = ['', '{"head": {"chan', 'x'.repeat(20_000)];
    const ends = Array.from({ length: 100 }, (_, n) => knock(words[n % words.length] ?? ''));
    await inside.flush();
    expect(await Promise.all(ends)).toEqual(ends.map(() => ''));
    expect(performance.now() - began).toBeLessThan(8000);
    expect(broker.stats).toMatchObject({ connections: 1, turnedAway: 100 });
  });

  it('does not hold up the end of the broker', async () => {
    const ends = [knock(''), knock('')];
    await inside.flush();
    await inside.close();
    await within(broker.close(), 'the end of the broker', 3000);
    await Promise.all(ends);
  });
});

// Who knocks at the wrong door, or talks nonsense, over real sockets: what it gets for an answer, what the broker's log says, and
// that two clients in the middle of a conversation notice nothing. The table is in docs/transports.md#what-strangers-get.

import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Broker } from 'spoke';
import { Client, DEFAULT_LIMITS, MsgpackCodec } from 'spoke';
import { WebSocket } from 'ws';

import { BlockSink } from '../../src/link/index.js';
import { Collector } from '../support/collector.js';
import type { RawPeer } from '../support/independent-peer/index.js';
import { tlsFile } from '../support/tls-files.js';
import { within } from '../support/within.js';
import { HealthyPair } from './healthy-pair.js';
import { farewell, Knocking } from './knocking.js';
import { Scene } from './scene.js';

const stage = new Scene();
/** What one test adds to it. */
const scene = new Scene();
const knocking = new Knocking();
const logged = new Collector<{ level: string; fields: object; text: string }>('log lines');
let broker: Broker;
let pair: HealthyPair;
let ports: Record<'tcp' | 'ws' | 'tls', number>;
let connectionsBefore: number;

beforeAll(async () => {
  const log = (level: string) => (fields: object, text: string) => logged.add({ level, fields, text });
  const tls = `tls://127.0.0.1:0?cert=${tlsFile('server')}&key=${tlsFile('server-key')}`;
  const listen = ['tcp://127.0.0.1:0', 'ws://127.0.0.1:0', tls];
  const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  const started = await stage.broker({ listen, logger });
  broker = started.broker;
  const [tcp = 0, ws = 0, overTls = 0] = broker.addresses.map((url) => Number(/:(\d+)/.exec(url)?.[1]));
  ports = { tcp, ws, tls: overTls };
  pair = await HealthyPair.join(stage, started.url);
  connectionsBefore = broker.stats.connections;
});
afterEach(async () => {
  await scene.close();
  knocking.end();
});
afterAll(async () => {
  await stage.close();
  expect(logged.items.filter(({ level }) => level === 'error')).toEqual([]);
});

/**
 * Lets a stranger do something while the healthy pair talks, question by question without a pause, until the stranger is gone
 * and the log has its lines, to a person, of it.
 * @returns what the stranger got, and those lines.
 */
async function beside<T>(lines: number, stranger: () => Promise<T>): Promise<{ got: T; warnings: string[] }> {
  const before = logged.items.length;
  const exchanged = pair.exchanged;
  let isOver = false;
  const talk = (async () => {
    while (!isOver) await pair.exchange(1);
  })();
  // Looked at below.
  talk.catch(() => {});
  try {
    const got = await stranger();
    await scene.close();
    const warnings = (): string[] => {
      const shown = logged.items.slice(before).filter(({ level }) => level !== 'debug');
      return shown.map(({ text }) => text);
    };
    const isGone = (): boolean => broker.stats.connections === connectionsBefore && warnings().length >= lines;
    for (let n = 0; n < 1000 && !isGone(); n++) await pair.exchange(1);
    expect(broker.stats.connections).toBe(connectionsBefore);
    return { got, warnings: warnings() };
  } finally {
    isOver = true;
    await talk;
    expect(pair.exchanged).toBeGreaterThan(exchanged);
  }
}

const HELLO = '{"head": {"channel": "-control/hello"}, "body": {"nonce": "n", "features": ["errors", "ping"]}}';
const PING = '{"head": {"channel": "-control/ping/1"}}';

describe('a stream that goes wrong', () => {
  const codec = new MsgpackCodec();

  function hello(): Uint8Array {
    const sink = new BlockSink();
    const body = { nonce: 'x', features: ['errors', 'ping'] };
    return sink.copyLast(codec.encode({ channel: '-control/hello', bounce: false }, body, sink));
  }

  function decoded(stream: Uint8Array): unknown[] {
    const messages: unknown[] = [];
    const reader = codec.createReader(DEFAULT_LIMITS);
    codec.framing.createDeframer(DEFAULT_LIMITS.messageBytes).push(Uint8Array.from(stream), {
      frame(bytes, start, end) {
        const view = reader.read(bytes, start, end);
        messages.push([view.head.channel, codec.decodeBody(view)]);
      },
      refused(error) {
        throw error;
      },
    });
    return messages;
  }

  it('with a length of four gigabytes, is told so in msgpack, and closed', async () => {
    const { got, warnings } = await beside(2, async () =>
      knocking.untilClosed(ports.tcp, Buffer.concat([hello(), Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2, 3)])),
    );
    expect(decoded(got)).toEqual([
      ['-control/welcome', expect.objectContaining({ nonce: 'x' })],
      ['-control/error', { code: 'MALFORMED', message: expect.stringContaining('the stream is out of step') }],
    ]);
    expect(warnings).toEqual([
      expect.stringMatching(/^refused: the stream is out of step: a frame cannot have \d+ bytes or more$/),
      expect.stringMatching(/^ended: the stream is out of step/),
    ]);
  });

  it('with a length of fifteen megabytes, is told so, its bytes are skipped, and it goes on', async () => {
    const { got, warnings } = await beside(1, async () => {
      const socket = knocking.tcp(ports.tcp);
      const chunks: Buffer[] = [];
      const heard = new Collector<number>('bytes');
      socket.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        heard.add(chunk.length);
      });
      const size = 15 * 1024 * 1024;
      socket.write(hello());
      socket.write(Uint8Array.of(0, size >>> 16, size >>> 8, size));
      for (let sent = 0; sent < size; sent += 1024 * 1024) {
        if (!socket.write(new Uint8Array(1024 * 1024))) await within(once(socket, 'drain'), 'room to send');
      }
      const sink = new BlockSink();
      socket.write(sink.copyLast(codec.encode({ channel: '-control/ping/back' }, 1, sink)));
      await heard.takeUntil(() => Buffer.concat(chunks).includes('-control/ping/back'));
      socket.destroy();
      return Buffer.concat(chunks);
    });
    expect(decoded(got)).toEqual([
      ['-control/welcome', expect.anything()],
      ['-control/error', { code: 'LIMIT_EXCEEDED', message: expect.stringContaining('limits.messageBytes') }],
      ['-control/ping/back', 1],
    ]);
    expect(warnings).toEqual([expect.stringContaining('refused: a message of 15728640 bytes is larger than')]);
  });

  it('with nonsense between two messages, is told so if it asked to be told, and goes on', async () => {
    const { got, warnings } = await beside(1, async () => {
      const raw = await scene.raw(ports.tcp);
      raw.send(`${HELLO}\0nonsense\0`);
      await raw.roundTrip();
      return raw.messages;
    });
    expect(got).toEqual([
      expect.stringContaining('"-control/welcome"'),
      expect.stringMatching(/"-control\/error".*"MALFORMED".*'nonsense'/),
    ]);
    expect(warnings).toEqual([expect.stringMatching(/^refused: .*'nonsense'/)]);
  });

  it('from its first byte, which is a lone NUL, is heard all the same, as by a broker of the peers', async () => {
    const { got, warnings } = await beside(1, async () => {
      const raw = await scene.raw(ports.tcp);
      for (const bytes of [
        '\0',
        '\0',
        '{',
        '"he',
        'ad": {"channel": "-control/hello"}, "body": {"nonce": "n", "features": []}}\0',
      ]) {
        raw.send(bytes);
        // Gives the broker time to read it alone.
        await pair.exchange(2);
      }
      await raw.roundTrip();
      return raw.messages;
    });
    expect(got).toEqual([expect.stringContaining('"-control/welcome"')]);
    expect(warnings).toEqual([expect.stringMatching(/^refused: /)]);
  });

  it('in a format that nobody knows, is closed, and the log names the formats there are', async () => {
    const { got, warnings } = await beside(2, async () =>
      knocking.untilClosed(ports.tcp, Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7)),
    );
    expect(got).toHaveLength(0);
    expect(warnings).toEqual([
      expect.stringMatching(/^refused: tcp:.* speaks none of: json, msgpack$/),
      expect.stringMatching(/^ended: tcp:.* speaks none of: json, msgpack$/),
    ]);
  });
});

describe('a client of TLS on a plain port', () => {
  it('that is not ours gets an alert of TLS, which names the reason', async () => {
    const { got, warnings } = await beside(1, async () => {
      const socket = connectTls({ port: ports.tcp, host: '127.0.0.1' });
      const [error] = (await within(once(socket, 'error'), 'an alert')) as [NodeJS.ErrnoException];
      return error.code;
    });
    expect(got).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    expect(warnings).toEqual([expect.stringMatching(/^refused: tcp:\/\/127.* speaks TLS; this endpoint is for spoke/)]);
  });

  it('of ours is told that it is a plain port, and does not try again', async () => {
    const { got, warnings } = await beside(1, async () =>
      Client.connect({ url: `tls://127.0.0.1:${ports.tcp}` }).catch((error: unknown) => error),
    );
    expect(got).toMatchObject({ code: 'CONNECT_FAILED', message: expect.stringContaining('does not speak TLS') });
    expect(warnings).toEqual([expect.stringContaining('speaks TLS')]);
  });
});

describe('a request of HTTP', () => {
  it('on the TCP port is answered in HTTP: 400, and where to go', async () => {
    const { got, warnings } = await beside(1, async () => knocking.httpGet(ports.tcp));
    expect(got).toEqual({ status: 400, text: expect.stringMatching(/a spoke broker.*\n.*its ws:\/\/ endpoint/) });
    expect(warnings).toEqual([
      expect.stringMatching(/^refused: tcp:\/\/127.* speaks HTTP; this endpoint is for spoke/),
    ]);
  });

  it('on the WebSocket port is answered 426, which is nothing for the log', async () => {
    const { got, warnings } = await beside(0, async () => knocking.httpGet(ports.ws));
    expect(got).toEqual({ status: 426, text: expect.stringContaining('WebSocket') });
    expect(warnings).toEqual([]);
  });

  it('on the TLS port is answered 400', async () => {
    const { got, warnings } = await beside(1, async () => knocking.httpGet(ports.tls));
    expect(got).toMatchObject({ status: 400 });
    expect(warnings).toEqual(['a connection could not be accepted']);
  });
});

describe('a plain client', () => {
  it('on the WebSocket port is answered in HTTP', async () => {
    const { got, warnings } = await beside(1, async () => knocking.untilClosed(ports.ws, `${HELLO}\0`));
    expect(got.toString()).toMatch(/^HTTP\/1\.1 400 /);
    expect(warnings).toEqual(['a connection could not be accepted']);
  });

  it('on the TLS port gets an alert of TLS, and one of ours knows what it means', async () => {
    const { got, warnings } = await beside(1, async () => knocking.untilClosed(ports.tls, `${HELLO}\0`));
    expect([...got.subarray(0, 2)]).toEqual([0x15, 0x03]);
    expect(warnings).toEqual(['a connection could not be accepted']);
    const ours = await beside(1, async () => {
      const client = new Client({ url: `tcp://127.0.0.1:${ports.tls}`, reconnect: false });
      const failed = client
        .connect()
        .then(async () => client.flush())
        .catch((error: unknown) => error);
      const error = await within(failed, 'an error');
      await client.close();
      return error;
    });
    expect(ours.got).toMatchObject({ message: expect.stringContaining('connect with tls://') });
  });
});

describe('a page without our client', () => {
  it('that sends texts, with or without a NUL, is served', async () => {
    const { got, warnings } = await beside(0, async () => {
      const { socket, messages } = await knocking.page(ports.ws);
      socket.send('{"head": {"channel": "-control/subscribe"}, "body": "to/page"}');
      socket.send('{"head": {"channel": "to/page"}, "body": "from itself"}\0');
      expect((await messages.next()).toString()).toContain('"from itself"');
      const raw: RawPeer = await scene.raw(ports.tcp);
      raw.subscribe('from/page');
      await raw.roundTrip();
      socket.send('{"head": {"channel": "from/page"}, "body": "Grüße ✓"}');
      await raw.until(() => raw.messages.length > 0, 'what the page sent');
      raw.publish('to/page', 7n);
      const heard = await messages.next();
      socket.close();
      return { fromPage: raw.messages.at(-1), toPage: heard.toString() };
    });
    expect(got.fromPage).toMatch(/^\{"head": \{"channel": "from\/page", "time": [\d.]+\}, "body": "Grüße ✓"\}$/);
    expect(got.toPage).toMatch(/^\{"head": \{"channel": "to\/page", "time": [\d.]+\}, "body": 7\}\0$/);
    expect(warnings).toEqual([]);
  });

  it('that sends what is no message is told so if it asked to be told, and goes on', async () => {
    const { got, warnings } = await beside(1, async () => {
      const { socket, messages } = await knocking.page(ports.ws);
      for (const text of [HELLO, 'hello?', PING]) socket.send(text);
      const heard = (await messages.takeUntil((message) => message.includes('ping'))).join('');
      socket.close();
      return heard;
    });
    expect(got).toMatch(/"-control\/welcome".*"-control\/error".*"MALFORMED".*"-control\/ping\/1"/);
    expect(warnings).toEqual([expect.stringMatching(/^refused: /)]);
  });

  it('that speaks an unknown format is closed with the code and reason for it', async () => {
    const { got, warnings } = await beside(2, async () => {
      const { socket } = await knocking.page(ports.ws);
      socket.send(Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7));
      return farewell(socket);
    });
    expect(got).toEqual({ code: 1003, reason: expect.stringContaining('UNKNOWN_CODEC') });
    expect(warnings).toHaveLength(2);
  });

  it('that goes out of step in msgpack is closed with the code and reason for that', async () => {
    const { got, warnings } = await beside(2, async () => {
      const { socket } = await knocking.page(ports.ws);
      const sink = new BlockSink();
      socket.send(sink.copyLast(new MsgpackCodec().encode({ channel: 'a' }, 1, sink)));
      socket.send(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
      return farewell(socket);
    });
    expect(got).toEqual({ code: 1007, reason: expect.stringContaining('MALFORMED: the stream is out of step') });
    expect(warnings).toHaveLength(2);
  });

  it('of another site is answered 403', async () => {
    const { got, warnings } = await beside(1, async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${ports.ws}`, { origin: 'http://elsewhere.example' });
      const [error] = (await within(once(socket, 'error'), 'the refusal')) as [Error];
      return error.message;
    });
    expect(got).toContain('403');
    expect(warnings).toEqual(['a connection could not be accepted']);
  });
});

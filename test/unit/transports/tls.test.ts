import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect as connectSocket, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Broker } from '../../../src/broker/index.js';
import type { Transport } from '../../../src/contracts/index.js';
import { Client } from '../../../src/node/index.js';
import { TcpTransport, TlsTransport } from '../../../src/transports/tcp/index.js';
import { Collector } from '../../support/collector.js';
import { Endpoints, Receiver } from '../../support/endpoints.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { TemporaryFolder } from '../../support/temporary-folder.js';
import { tlsFile, tlsText } from '../../support/tls-files.js';
import { within } from '../../support/within.js';

const OWN = { cert: tlsFile('server'), key: tlsFile('server-key') };
const TRUSTING = { ca: tlsFile('ca') };
const CLIENT = { ...TRUSTING, cert: tlsFile('client'), key: tlsFile('client-key') };

let endpoints: Endpoints;
beforeEach(() => {
  endpoints = new Endpoints();
});
afterEach(async () => endpoints.close());

const listen = async (options = {}, limits = {}) =>
  endpoints.listen(new TlsTransport({ ...OWN, ...options }), 'tls://127.0.0.1:0', limits);
const connect = async (url: string, options = {}) =>
  endpoints.connect(new TlsTransport({ ...TRUSTING, ...options }), url);

async function exchange(server: Transport, listenUrl: string, client: Transport, connectUrl = (url: string) => url) {
  const { url, accepted } = await endpoints.listen(server, listenUrl);
  const one = await endpoints.connect(client, connectUrl(url));
  const other = new Receiver(await accepted.next());
  one.send(Buffer.from('hello'));
  expect(await other.text(5)).toBe('hello');
  return { url, client: one };
}

describe('TLS', () => {
  test.each(['127.0.0.1', '[::1]', 'localhost'])('carries bytes to a trusted server at %s', async (host) => {
    const { url, client } = await exchange(
      new TlsTransport(OWN),
      `tls://${host}:0`,
      new TlsTransport(TRUSTING),
      (bound) => bound.replace(/\/\/.*:/, `//${host}:`),
    );
    expect(url).toMatch(/^tls:\/\/.+:\d+$/);
    expect(client.peer.address).toMatch(/^tls:\/\//);
  });

  test('takes its options from the URL as well, which then win', async () => {
    const files = `cert=${tlsFile('server')}&key=${tlsFile('server-key')}`;
    const url = `tls://127.0.0.1:0?${files}`;
    await exchange(new TlsTransport({ cert: tlsFile('elsewhere') }), url, new TlsTransport(), (bound) => {
      expect(bound).not.toContain('?');
      return `${bound}?ca=${tlsFile('ca')}`;
    });
  });

  test.each([
    ['one file that holds both', { cert: tlsFile('server-both') }],
    ['PEM texts', { cert: tlsText('server'), key: tlsText('server-key') }],
    ['a key with a passphrase', { ...OWN, key: tlsFile('server-key-encrypted'), passphrase: 'secret' }],
  ])('takes certificate and key as %s', async (_, own) => {
    await exchange(new TlsTransport(own), 'tls://127.0.0.1:0', new TlsTransport({ ca: tlsText('ca') }));
  });

  test('takes the passphrase of a key from a file, which a URL may name', async () => {
    await using folder = await TemporaryFolder.make();
    const phrase = join(folder.path, 'phrase');
    writeFileSync(phrase, 'secret\n');
    const url = `tls://127.0.0.1:0?cert=${tlsFile('server')}&key=${tlsFile('server-key-encrypted')}&passphraseFile=`;
    await exchange(new TlsTransport(), url + phrase, new TlsTransport({ ca: tlsText('ca') }));
    const attempt = endpoints.listen(new TlsTransport(), `${url}${phrase}-gone`);
    await expect(attempt).rejects.toMatchObject({ message: expect.stringContaining('phrase-gone: cannot be read') });
  });

  test.each([
    ['without a certificate', {}, 'TLS needs a certificate'],
    ['with a file that does not exist', { cert: '/nowhere/cert.pem' }, 'cert /nowhere/cert.pem: cannot be read'],
    ['without a key', { cert: tlsFile('server') }, 'there is no private key in it'],
    ['with a key but no certificate', { key: tlsFile('server-key') }, 'TLS needs a certificate'],
    ['with the key of another', { ...OWN, key: tlsFile('client-key') }, 'cannot be used'],
    ['with a passphrase missing', { ...OWN, key: tlsFile('server-key-encrypted') }, 'cannot be used'],
    ['asking for certificates of nobody', { ...OWN, requestCert: true }, 'requestCert needs ca'],
  ])('cannot listen %s, and says why', async (_, options, text) => {
    const attempt = endpoints.listen(new TlsTransport(options), 'tls://127.0.0.1:0');
    await expect(attempt).rejects.toMatchObject({ code: 'LISTEN_FAILED', message: expect.stringContaining(text) });
  });

  test.each([
    ['requestCert=maybe', 'write true or false'],
    ['cert=', 'cert is empty'],
    ['certificate=x', 'no parameter "certificate"'],
    ['passphrase=secret', 'no parameter "passphrase"'],
  ])('refuses a URL with %s', async (query, text) => {
    const url = `tls://127.0.0.1:0?${query}`;
    const attempt = endpoints.listen(new TlsTransport(OWN), url);
    await expect(attempt).rejects.toMatchObject({ code: 'ADDRESS_INVALID', message: expect.stringContaining(text) });
  });

  test('finds a renewed certificate without a new transport', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'spoke-'));
    endpoints.atEnd(() => rmSync(directory, { recursive: true }));
    const ca = join(directory, 'ca.pem');
    writeFileSync(ca, readFileSync(tlsFile('other-ca')));
    const transport = new TlsTransport({ ca });
    const { url } = await listen();
    await expect(endpoints.connect(transport, url)).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    writeFileSync(ca, readFileSync(tlsFile('ca')));
    await endpoints.connect(transport, url);
  });
});

describe('a server that cannot be trusted', () => {
  test('because nobody known signed its certificate: CONNECT_FAILED, and trying again is no use', async () => {
    const { url } = await listen();
    for (const options of [{ ca: tlsFile('other-ca') }, { ca: undefined }]) {
      await expect(connect(url, options)).rejects.toMatchObject({
        code: 'CONNECT_FAILED',
        retryable: false,
        message: expect.stringContaining('?ca=FILE'),
      });
    }
  });

  test('because its certificate has expired: CONNECT_FAILED, worth trying again', async () => {
    const { url } = await listen({ cert: tlsFile('expired'), key: tlsFile('expired-key') });
    await expect(connect(url)).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      retryable: true,
      message: expect.stringContaining('expired'),
    });
  });

  test('because its certificate is for another name; servername says that this name is meant', async () => {
    const { url } = await listen({ cert: tlsFile('elsewhere'), key: tlsFile('elsewhere-key') });
    await expect(connect(url)).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      retryable: false,
      message: expect.stringContaining('is for DNS:elsewhere.example, not for 127.0.0.1'),
    });
    await connect(url, { servername: 'elsewhere.example' });
    await connect(`${url}?servername=elsewhere.example`);
  });

  test('is talked to all the same with rejectUnauthorized=false', async () => {
    const { url } = await listen({ cert: tlsFile('expired'), key: tlsFile('expired-key') });
    await connect(`${url}?rejectUnauthorized=false`);
  });
});

describe('a certificate of the client', () => {
  const asking = { ca: tlsFile('ca'), requestCert: true };

  test('that is verified is known to the authenticator', async () => {
    const { url, accepted } = await listen(asking);
    await connect(url, CLIENT);
    const { peer } = await accepted.next();
    expect(peer.certificate).toMatchObject({
      subject: 'O=Example,CN=robot-7',
      commonName: 'robot-7',
      alternativeNames: 'DNS:robot-7.example',
      fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
    });
  });

  test.each([
    ['missing', TRUSTING, 'it has no certificate'],
    [
      'signed by somebody else',
      { ...TRUSTING, cert: tlsFile('stranger'), key: tlsFile('stranger-key') },
      'not signed by ca',
    ],
  ])('that is %s keeps it out, and one error says so', async (_, options, text) => {
    const { url, accepted, errors } = await listen(asking);
    // In TLS 1.3 the client is through before the server has looked.
    const client = new Receiver(await connect(url, options));
    expect(await errors.next()).toMatchObject({ code: 'UNAUTHENTICATED', message: expect.stringContaining(text) });
    await client.closed();
    await connect(url, CLIENT);
    await accepted.next();
    expect(accepted.items).toHaveLength(1);
    expect(errors.items).toHaveLength(1);
  });

  test.each([
    ['none', TRUSTING],
    ['one of a stranger', { ...TRUSTING, cert: tlsFile('stranger'), key: tlsFile('stranger-key') }],
  ])('that may be left out: a client with %s is let in and has no certificate', async (_, options) => {
    const { url, accepted } = await listen({ ...asking, rejectUnauthorized: false });
    await connect(url, options);
    expect((await accepted.next()).peer.certificate).toBeUndefined();
  });

  test('is not asked for by default', async () => {
    const { url, accepted } = await listen({ ca: tlsFile('ca') });
    await connect(url, CLIENT);
    expect((await accepted.next()).peer.certificate).toBeUndefined();
  });
});

describe('a TLS client on a plain port', () => {
  const broker = async () => {
    const logger = new RecordingLogger();
    const started = await Broker.start({ listen: 'tcp://127.0.0.1:0', logger });
    endpoints.atEnd(() => started.close());
    const [url = ''] = started.addresses;
    return { url, logger };
  };

  test('is told what is wrong, at once; one line is logged, and nobody else notices', async () => {
    const { url, logger } = await broker();
    const neighbour = await Client.connect(url);
    endpoints.atEnd(() => neighbour.close());
    const messages = new Collector<unknown>('messages');
    await neighbour.subscribe('x', ({ body }) => messages.add(body));

    await expect(connect(url.replace('tcp', 'tls'))).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      retryable: false,
      message: expect.stringContaining('does not speak TLS'),
    });
    await neighbour.publish('x', 'still here');
    expect(await messages.next()).toBe('still here');
    expect(logger.lines.warn).toEqual([expect.objectContaining({ text: expect.stringContaining('TLS') })]);
    expect(logger.lines.error).toEqual([]);
  });

  test('that is not ours can name the reason too', async () => {
    const { url } = await broker();
    const socket = connectTls({ port: Number(url.split(':').at(-1)), host: '127.0.0.1' });
    const failed = once(socket, 'error') as Promise<[NodeJS.ErrnoException]>;
    const [error] = await within(failed, 'the client is told');
    expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  });

  test.each([
    ['answers something else', (socket: NodeJS.WritableStream) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['hangs up', (socket: NodeJS.WritableStream) => void socket.end()],
  ])('of a foreign server that %s has a clear error', async (_, answer) => {
    const server = createServer((socket) => socket.once('data', () => answer(socket)).on('error', () => {}));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    endpoints.atEnd(() => server.close());
    const { port } = server.address() as AddressInfo;
    await expect(connect(`tls://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      message: expect.stringMatching(/does not speak TLS|does it speak TLS/),
    });
  });
});

describe('a plain client on a TLS port', () => {
  test('of ours is told to use tls://, one error says so, and nobody else notices', async () => {
    const { url, accepted, errors } = await listen();
    const neighbour = await connect(url);
    const neighbours = new Receiver(await accepted.next());

    const plain = await endpoints.connect(new TcpTransport(), url.replace('tls', 'tcp'));
    const confused = new Receiver(plain);
    plain.send(Buffer.from('{"head": {"channel": "x"}, "body": 1}\0'));
    expect(await confused.closed()).toMatchObject({
      by: 'error',
      error: { code: 'CONNECTION_LOST', message: expect.stringContaining('connect with tls://') },
    });
    expect(await errors.next()).toMatchObject({ code: 'MALFORMED', message: expect.stringContaining('no TLS') });

    neighbour.send(Buffer.from('still here'));
    expect(await neighbours.text(10)).toBe('still here');
    expect(errors.items).toHaveLength(1);
    expect(accepted.items).toHaveLength(1);
  });

  test('that speaks HTTP has an answer in HTTP', async () => {
    const { url, errors } = await listen();
    const answered = new Promise<number | undefined>((resolve, reject) => {
      request(url.replace('tls', 'http'), (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      })
        .on('error', reject)
        .end();
    });
    expect(await within(answered, 'there is an answer')).toBe(400);
    expect(await errors.next()).toMatchObject({ message: expect.stringContaining('an HTTP request') });
  });

  test('that only looks whether somebody listens is no error', async () => {
    const { url, errors } = await listen();
    const socket = connectSocket({ port: Number(url.split(':').at(-1)), host: '127.0.0.1' });
    await once(socket, 'connect');
    socket.end().resume();
    await within(once(socket, 'close'), 'it is closed');
    await connect(url);
    expect(errors.items).toEqual([]);
  });
});

describe('a TLS handshake that never ends', () => {
  const halfClientHello = Buffer.from([0x16, 3, 1, 0, 200, 1, 0, 0, 196]);

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['half a greeting', halfClientHello],
  ])('with %s is cut after limits.connectTimeout', async (_, bytes) => {
    const { url, accepted } = await listen({}, { connectTimeout: 50 });
    const socket = connectSocket({ port: Number(url.split(':').at(-1)), host: '127.0.0.1' });
    const closed = once(socket, 'close');
    socket.on('error', () => {}).resume();
    socket.write(bytes);
    await within(closed, 'it is cut');
    expect(accepted.items).toEqual([]);
  });

  test('ends with its listener', async () => {
    const opened = await listen();
    const socket = connectSocket({ port: Number(opened.url.split(':').at(-1)), host: '127.0.0.1' });
    const closed = once(socket, 'close');
    socket.on('error', () => {}).resume();
    socket.write(halfClientHello);
    // The listener has the socket for certain when a later one is through.
    await connect(opened.url);
    await opened.accepted.next();
    await opened.close();
    await within(closed, 'it is cut');
    expect(opened.errors.items).toEqual([]);
  });

  test('because the client hung up is told once, with its address', async () => {
    const { url, errors } = await listen();
    const socket = connectSocket({ port: Number(url.split(':').at(-1)), host: '127.0.0.1' });
    await once(socket, 'connect');
    const { localPort } = socket;
    socket.end(halfClientHello);
    socket.resume();
    expect(await errors.next()).toMatchObject({
      code: 'CONNECTION_LOST',
      message: expect.stringContaining(`tls://127.0.0.1:${localPort}: it ended the connection before TLS was set up`),
    });
    await within(once(socket, 'close'), 'it is closed');
  });

  test('of a server is CONNECT_FAILED after limits.connectTimeout, or ABORTED', async () => {
    const silent = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    endpoints.atEnd(() => silent.close());
    const url = `tls://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    await expect(endpoints.connect(new TlsTransport(), url, { connectTimeout: 50 })).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      retryable: true,
    });
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Broker } from '../../../src/broker/index.js';
import type { Authenticator, Connection, ListenOptions, PeerInfo } from '../../../src/contracts/index.js';
import { SpokeError, withDefaults } from '../../../src/contracts/index.js';
import { Client } from '../../../src/node/index.js';
import { parseAddress } from '../../../src/transports/index.js';
import type { UnixTransportOptions } from '../../../src/transports/unix/index.js';
import { UnixTransport } from '../../../src/transports/unix/index.js';
import { Collector } from '../../support/collector.js';
import { within } from '../../support/within.js';

const limits = withDefaults();
const isRoot = process.getuid?.() === 0;
const ends: (() => unknown)[] = [];
let directory = '';
let path = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spoke-'));
  path = join(directory, 'spoke.sock');
});

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
  rmSync(directory, { recursive: true, force: true });
});

interface Opened {
  readonly address: string;
  readonly accepted: Collector<Connection>;
  close(): Promise<void>;
}

async function listen(url: string, options: UnixTransportOptions = {}): Promise<Opened> {
  const accepted = new Collector<Connection>('accepted connections');
  const onConnection = (connection: Connection) => {
    ends.push(() => connection.abort(new SpokeError('CLOSED', 'the test is over')));
    accepted.add(connection);
  };
  const listening: ListenOptions = { limits };
  const listener = await new UnixTransport(options).listen(parseAddress(url), onConnection, listening);
  ends.push(() => listener.close());
  return { address: listener.address, accepted, close: () => listener.close() };
}

async function connect(url: string): Promise<Connection> {
  const connection = await new UnixTransport().connect(parseAddress(url), { limits });
  ends.push(() => connection.abort(new SpokeError('CLOSED', 'the test is over')));
  return connection;
}

/** The connection that the listener sees when somebody connects. */
async function acceptedBy(opened: Opened): Promise<Connection> {
  await connect(opened.address);
  return opened.accepted.next();
}

/** A socket file that a dead listener left behind. */
async function leaveStaleFile(at: string): Promise<void> {
  const server = createServer().listen(`${at}.live`);
  await once(server, 'listening');
  linkSync(`${at}.live`, at);
  server.close();
  await once(server, 'close');
  utimesSync(at, 1, 1);
}

describe('the address of a Unix socket', () => {
  test('may be relative to the working directory, and is reported in full', async () => {
    const fromHere = relative(process.cwd(), path);
    const opened = await listen(`unix://${fromHere.startsWith('.') ? '' : './'}${fromHere}`);
    expect(opened.address).toBe(`unix://${path}`);
    await acceptedBy(opened);
  });

  test.each([
    ['unix://run/spoke.sock', 'unix:///run/spoke.sock for an absolute path, unix://./run/spoke.sock'],
    ['unix://', 'names no file'],
    ['unix:///run/', 'names no file'],
    ['unix://.:7181/x', 'no port'],
    ['unix:///x?mode=0888', 'three octal digits'],
    ['unix:///x?mode=7777', 'three octal digits'],
    ['unix:///x?mood=660', 'no parameter "mood" (known: mode)'],
  ])('%s is refused, and the text helps', async (url, text) => {
    const attempt = listen(url);
    await expect(attempt).rejects.toMatchObject({ code: 'ADDRESS_INVALID' });
    await expect(attempt).rejects.toThrow(text);
  });

  test('may be as long as the system allows, and not a byte longer', async () => {
    const longest = process.platform === 'linux' ? 107 : 103;
    const fill = longest - directory.length - 1;
    const opened = await listen(`unix://${directory}/${'x'.repeat(fill)}`);
    await acceptedBy(opened);
    for (const attempt of [listen, connect]) {
      await expect(attempt(`unix://${directory}/${'x'.repeat(fill + 1)}`)).rejects.toMatchObject({
        code: 'ADDRESS_INVALID',
        message: expect.stringContaining(`allows ${longest}`),
      });
    }
  });
});

describe('a socket file that is there already', () => {
  test('is replaced when nobody listens on it', async () => {
    await leaveStaleFile(path);
    await expect(connect(`unix://${path}`)).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    await acceptedBy(await listen(`unix://${path}`));
    expect(readdirSync(directory)).toEqual(['spoke.sock']);
  });

  test('is replaced when its listener was killed', async () => {
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('listening'))`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const gone = once(child, 'exit');
    await within(once(child.stdout, 'data'), 'the other program listens');
    await expect(listen(`unix://${path}`)).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
    child.kill('SIGKILL');
    await within(gone, 'the other program is killed');
    expect(existsSync(path)).toBe(true);
    await acceptedBy(await listen(`unix://${path}`));
  });

  test('goes to one of many that want it at once', async () => {
    await leaveStaleFile(path);
    const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => listen(`unix://${path}`)));
    const winners = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
    expect(winners).toHaveLength(1);
    for (const attempt of attempts) {
      if (attempt.status === 'rejected') expect(attempt.reason).toMatchObject({ code: 'ADDRESS_IN_USE' });
    }
    await connect(`unix://${path}`);
    expect(readdirSync(directory)).toEqual(['spoke.sock']);
  });

  test.each([
    ['a file', () => writeFileSync(path, 'precious')],
    ['a directory', () => mkdirSync(path)],
    [
      'a symbolic link',
      () => {
        writeFileSync(`${path}.target`, 'precious');
        symlinkSync(`${path}.target`, path);
      },
    ],
  ])('is left alone when it is %s', async (what, make) => {
    make();
    const before = lstatSync(path, { bigint: true });
    await expect(listen(`unix://${path}`)).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringContaining(what),
    });
    expect(lstatSync(path, { bigint: true })).toMatchObject({ ino: before.ino, mtimeNs: before.mtimeNs });
    if (before.isFile()) expect(readFileSync(path, 'utf8')).toBe('precious');
  });

  test('is LISTEN_FAILED when it is the directory that is missing, and the text says so', async () => {
    await expect(listen(`unix://${directory}/none/spoke.sock`)).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringContaining(`no directory ${directory}/none`),
    });
  });
});

describe('closing a Unix listener', () => {
  test('removes its file', async () => {
    const opened = await listen(`unix://${path}`);
    await opened.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  test("leaves another listener's file in its place", async () => {
    const first = await listen(`unix://${path}`);
    rmSync(path);
    const second = await listen(`unix://${path}`);
    const file = lstatSync(path, { bigint: true });
    await first.close();
    expect(lstatSync(path, { bigint: true }).ino).toBe(file.ino);
    await acceptedBy(second);
    expect(readdirSync(directory)).toEqual(['spoke.sock']);
  });

  test("leaves a stranger's file alone as well", async () => {
    const opened = await listen(`unix://${path}`);
    rmSync(path);
    writeFileSync(path, 'precious');
    await opened.close();
    expect(readFileSync(path, 'utf8')).toBe('precious');
  });
});

describe('permissions of the socket file', () => {
  const modeOf = (file: string) => lstatSync(file).mode & 0o777;

  test('are those of the URL, else those of the transport, else those of the umask', async () => {
    const umask = process.umask();
    await listen(`unix://${path}?mode=660`, { mode: 0o600 });
    await listen(`unix://${path}.2`, { mode: 0o606 });
    await listen(`unix://${path}.3`);
    expect(modeOf(path)).toBe(0o660);
    expect(modeOf(`${path}.2`)).toBe(0o606);
    expect(modeOf(`${path}.3`)).toBe(0o777 & ~umask);
    expect(process.umask()).toBe(umask);
  });

  test('are not in the address that clients get', async () => {
    const opened = await listen(`unix://${path}?mode=660`);
    expect(opened.address).toBe(`unix://${path}`);
    await connect(`unix://${path}?mode=660`);
  });

  test.each([-1, 0o1000, 1.5])('of %d are a TypeError', (mode) => {
    expect(() => new UnixTransport({ mode })).toThrow(TypeError);
  });

  (isRoot ? test : test.skip)('keep out other users', async () => {
    await listen(`unix://${path}?mode=600`);
    chmodSync(directory, 0o755);
    expect(await connectAs(4711, path)).toBe('EACCES');
    chmodSync(path, 0o666);
    expect(await connectAs(4711, path)).toBe('connected');
  });
});

/** What becomes of the attempt of another user. */
async function connectAs(uid: number, to: string): Promise<string> {
  const script =
    `const socket = require('net').connect(${JSON.stringify(to)}, () => { process.stdout.write('connected'); });` +
    `socket.on('error', (error) => process.stdout.write(error.code)); process.stdin.on('end', () => socket.destroy()).resume();`;
  const child = spawn(process.execPath, ['-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: '/',
    uid,
    gid: uid,
  });
  ends.push(() => child.stdin.end());
  const [answer]: unknown[] = await within(once(child.stdout, 'data'), 'the other user has an answer');
  return String(answer);
}

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('the credentials of whoever connected', () => {
  const credentialsOf = async ({ peer }: { peer: PeerInfo }) => peer.credentials?.();

  test('are the process, user and group that the kernel knows', async () => {
    const connection = await acceptedBy(await listen(`unix://${path}`));
    expect(await credentialsOf(connection)).toEqual({
      pid: process.pid,
      uid: process.getuid?.(),
      gid: process.getgid?.(),
    });
  });

  (isRoot ? test : test.skip)('of another user are those of that user', async () => {
    const opened = await listen(`unix://${path}?mode=666`);
    chmodSync(directory, 0o755);
    expect(await connectAs(4711, path)).toBe('connected');
    const connection = await opened.accepted.next();
    expect(await credentialsOf(connection)).toMatchObject({ uid: 4711, gid: 4711 });
  });

  test('are known only of accepted connections', async () => {
    const opened = await listen(`unix://${path}`);
    const connection = await connect(opened.address);
    expect(connection.peer.credentials).toBeUndefined();
  });

  test('can be asked for by many at once, and bytes flow as before', async () => {
    const opened = await listen(`unix://${path}`);
    const clients = await Promise.all(Array.from({ length: 6 }, () => connect(opened.address)));
    const servers = await opened.accepted.take(clients.length);
    const all = await Promise.all(servers.map(credentialsOf));
    expect(new Set(all.map((credentials) => credentials?.pid))).toEqual(new Set([process.pid]));
    // A descriptor that had become blocking would hold the whole process up here.
    const bytes = new Uint8Array(4 * 1024 * 1024);
    for (const [index, server] of servers.entries()) {
      let received = 0;
      const whole = new Promise<void>((resolve) => {
        server.start({
          data(chunk) {
            received += chunk.length;
            if (received === bytes.length) resolve();
          },
          drain() {},
          close() {},
        });
      });
      clients[index]?.send(bytes);
      await within(whole, 'all bytes arrive');
    }
  });

  test('are UNAUTHENTICATED when the connection has ended', async () => {
    const connection = await acceptedBy(await listen(`unix://${path}`));
    const closed = new Promise<void>((resolve) => {
      connection.start({ data() {}, drain() {}, close: () => resolve() });
    });
    connection.abort(new SpokeError('CLOSED', 'not wanted'));
    await within(closed, 'it is closed');
    await expect(credentialsOf(connection)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('are ABORTED when nobody waits for them any more', async () => {
    const connection = await acceptedBy(await listen(`unix://${path}`));
    await expect(connection.peer.credentials?.(AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('decide who is let in by a broker', async () => {
    const uids = new Set([process.getuid?.()]);
    const authenticator: Authenticator = {
      async authenticate({ credentials }, signal) {
        const peer = await credentials?.(signal);
        return uids.has(peer?.uid) ? { name: `user ${peer?.uid}` } : undefined;
      },
    };
    const broker = await Broker.start({ listen: `unix://${path}`, authenticator });
    ends.push(() => broker.close());
    const client = await Client.connect(`unix://${path}`);
    ends.push(() => client.close());
    const messages = new Collector<unknown>('messages');
    await client.subscribe('x', ({ body }) => messages.add(body));
    await client.publish('x', 1);
    expect(await messages.next()).toBe(1);

    uids.clear();
    const refused = await connect(`unix://${path}`);
    const closed = new Promise<void>((resolve) => {
      refused.start({ data() {}, drain() {}, close: () => resolve() });
    });
    await within(closed, 'the other is not let in');
    expect(broker.stats.connections).toBe(1);
  });
});

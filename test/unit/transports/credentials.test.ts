// How the kernel is asked who connected; what an authenticator makes of it is in unix.test.ts and docs/transports.md.

import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CredentialsReader, INTERPRETERS } from '../../../src/transports/unix/credentials.js';
import { within } from '../../support/within.js';

let directory = '';
let server: Server;
let client: Socket;
let accepted: Socket;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'spoke-'));
  server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(join(directory, 'sock'));
  await once(server, 'listening');
  const connection = once(server, 'connection');
  client = connect(join(directory, 'sock'));
  [accepted] = (await connection) as [Socket];
});

afterEach(async () => {
  client.destroy();
  accepted.destroy();
  server.close();
  await once(server, 'close');
  rmSync(directory, { recursive: true });
});

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('the credentials of a peer', () => {
  for (const interpreter of INTERPRETERS) {
    const { command } = interpreter;
    (existsSync(command) ? test : test.skip)(`are read by ${command}`, async () => {
      const credentials = await new CredentialsReader([interpreter]).of(accepted, 'a peer')();
      expect(credentials).toEqual({ pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });
    });

    (existsSync(command) ? test : test.skip)(`leave the socket to this process, after ${command}`, async () => {
      await new CredentialsReader([interpreter]).of(accepted, 'a peer')();
      const ended = once(client, 'close');
      client.resume();
      accepted.end('all of it');
      await within(ended, 'the other side sees the end');
      expect(client.bytesRead).toBe(9);
    });
  }

  test('stay what they were when the other process has gone', async () => {
    const credentials = new CredentialsReader().of(accepted, 'a peer');
    client.destroy();
    await once(client, 'close');
    expect(await credentials()).toMatchObject({ pid: process.pid });
  });

  test('are asked for once', async () => {
    const credentials = new CredentialsReader().of(accepted, 'a peer');
    expect(await credentials()).toBe(await credentials());
  });

  test('without an interpreter are UNAUTHENTICATED, and the text says what is missing', async () => {
    const none = ['/nowhere/perl', '/nowhere/python3'].map((command) => ({ command, args: () => [] }));
    await expect(new CredentialsReader(none).of(accepted, 'a peer')()).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: expect.stringContaining('neither /nowhere/perl nor /nowhere/python3'),
    });
  });

  test.each([
    ['nothing', ''],
    ['nobody', '0 4294967295 4294967295'],
    ['something else', 'root'],
  ])('are UNAUTHENTICATED when the answer is %s', async (_, answer) => {
    const liar = { command: '/bin/echo', args: () => ['-n', answer] };
    await expect(new CredentialsReader([liar]).of(accepted, 'a peer')()).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
  });

  test('are ABORTED when nobody waits any more, and the interpreter is killed', async () => {
    const abort = new AbortController();
    const slow = { command: '/bin/sleep', args: () => ['60'] };
    const asked = new CredentialsReader([slow]).of(accepted, 'a peer')(abort.signal);
    abort.abort();
    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('of a crowd are read by two interpreters at a time, in order, and who gives up leaves the queue', async () => {
    const abort = new AbortController();
    const answered: number[] = [];
    const reader = new CredentialsReader();
    const crowd = Array.from({ length: 6 }, async (_, number) => {
      await reader.of(accepted, `peer ${number}`)(number === 3 ? abort.signal : undefined);
      answered.push(number);
    });
    abort.abort();
    const results = await Promise.allSettled(crowd);
    expect(results.map(({ status }) => status === 'fulfilled')).toEqual([true, true, true, false, true, true]);
    expect(new Set(answered)).toEqual(new Set([0, 1, 2, 4, 5]));
  });
});

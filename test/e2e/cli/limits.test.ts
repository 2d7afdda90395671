/** Limits of spoke-server, as a process. */
import { connect } from 'node:net';
import { afterEach, describe, expect, jest, test } from '@jest/globals';

import { Client } from '../../../src/index.js';
import { endAll, run, startServer } from './commands.js';

jest.setTimeout(60_000);
afterEach(endAll);

/** Opens a connection, and resolves when the other side has ended it. */
async function untilHungUp(url: string): Promise<void> {
  const { hostname: host, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
    socket.write('{"head": {"channel": "x"}}\0');
  });
}

describe('limits', () => {
  test('are printed as they would hold', async () => {
    const { code, stdout } = await run('spoke-server', ['--limits', '--limit', 'connections=5']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^connections +5$/m);
    expect(stdout).toMatch(/^messageBytes +8388608 bytes$/m);
    const json = await run('spoke-server', ['--limits', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ connections: 10_000 });
  });

  test('that do not exist are wrong usage', async () => {
    const { code, stderr } = await run('spoke-server', ['--limit', 'conections=5']);
    expect(code).toBe(2);
    expect(stderr).toContain('--limits lists them');
  });

  test('hold, and those within them notice nothing', async () => {
    const { url } = await startServer(['--listen', 'tcp://127.0.0.1:0', '--limit', 'connectionsPerAddress=1']);
    await using client = await Client.connect(url);
    for (let n = 0; n < 20; n++) await untilHungUp(url);
    await client.flush();
  });
});

// How a broker gets into a NATS server that does not let everybody in.

import { Buffer } from 'node:buffer';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Broker, Client } from 'spoke';
import type { NatsOptions } from 'spoke/nats';
import { NatsBackplane } from 'spoke/nats';

import { NatsServer } from '../../support/nats-server.js';
import { TemporaryFolder } from '../../support/temporary-folder.js';
import { tlsFile } from '../../support/tls-files.js';

const ended: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function startServer(...args: readonly string[]): Promise<NatsServer> {
  const server = await NatsServer.start({ args });
  ended.push(() => server.remove());
  return server;
}

async function folder(): Promise<string> {
  const made = await TemporaryFolder.make();
  ended.push(() => made[Symbol.asyncDispose]());
  return made.path;
}

async function startBroker(nats: NatsOptions): Promise<Broker> {
  const broker = await Broker.start({
    listen: 'tcp://127.0.0.1:0',
    backplane: new NatsBackplane({ timeout: 15_000, ...nats }),
  });
  ended.push(() => broker.close());
  return broker;
}

/** Two brokers are one network: what is kept by one is read at the other. */
async function joined(nats: NatsOptions): Promise<void> {
  const [one, two] = [await startBroker(nats), await startBroker(nats)];
  const [writer, reader] = await Promise.all(
    [one, two].map((broker) => Client.connect({ url: broker.addresses[0] ?? '' })),
  );
  ended.push(async () => void (await Promise.all([writer?.close(), reader?.close()])));
  await writer?.publish('a/b', 'kept', { persist: true });
  let arrived: (body: unknown) => void = () => {};
  const got = new Promise((resolve) => (arrived = resolve));
  await reader?.subscribe('a/*', ({ body }) => arrived(body));
  expect(await got).toBe('kept');
}

describe('A broker at a NATS server', () => {
  it('logs in with the user and the password of the address, and is told when they are wrong', async () => {
    const { port } = await startServer('--user', 'broker', '--pass', 'p@ss/word');
    await joined({ servers: `nats://broker:p%40ss%2Fword@127.0.0.1:${port}` });
    for (const servers of [`nats://broker:wrong-one@127.0.0.1:${port}`, `nats://127.0.0.1:${port}`]) {
      const refused = startBroker({ servers });
      await expect(refused).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
      await expect(refused).rejects.toMatchObject({ message: expect.not.stringContaining('wrong-one') });
    }
  });

  it('logs in with a token', async () => {
    const { url } = await startServer('--auth', 'a-token');
    await joined({ servers: url, token: 'a-token' });
    await expect(startBroker({ servers: url, token: 'another' })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('logs in with a file of credentials', async () => {
    const user = nkeys.createUser();
    const path = await folder();
    const config = join(path, 'nats.conf');
    await writeFile(config, `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }\n`);
    const credentials = join(path, 'broker.creds');
    await writeFile(credentials, credsOf(Buffer.from(user.getSeed()).toString()));
    const { url } = await startServer('-c', config);
    await joined({ servers: url, credentials });
    await writeFile(credentials, credsOf(Buffer.from(nkeys.createUser().getSeed()).toString()));
    await expect(startBroker({ servers: url, credentials })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const missing = startBroker({ servers: url, credentials: join(path, 'missing.creds') });
    await expect(missing).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      message: expect.stringContaining('missing.creds'),
    });
  });

  it('trusts a server by its certificate, and shows its own', async () => {
    const ca = tlsFile('ca');
    const identity = ['--tlscert', tlsFile('server'), '--tlskey', tlsFile('server-key')];
    const { port } = await startServer('--tlsverify', ...identity, '--tlscacert', ca);
    const servers = `tls://localhost:${port}`;
    await joined({ servers, tls: { ca, cert: tlsFile('client'), key: tlsFile('client-key') } });
    await expect(startBroker({ servers, timeout: 2000 })).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    await expect(startBroker({ servers, tls: { ca }, timeout: 2000 })).rejects.toMatchObject({
      code: expect.stringMatching(/^(CONNECT_FAILED|UNAUTHENTICATED)$/),
    });
  });

  it('takes the first server that can be reached', async () => {
    const down = await startServer();
    await down.kill();
    const { url } = await startServer();
    await joined({ servers: [down.url, url] });
  });
});

function credsOf(seed: string): string {
  const jwt = [{ typ: 'JWT', alg: 'ed25519-nkey' }, { sub: 'broker' }, 'signature']
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return [
    '-----BEGIN NATS USER JWT-----',
    jwt,
    '------END NATS USER JWT------',
    '',
    '-----BEGIN USER NKEY SEED-----',
    seed,
    '------END USER NKEY SEED------',
    '',
  ].join('\n');
}

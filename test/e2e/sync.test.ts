// The synchronous functions, in a program of their own: they need the built worker, and a thread that may stand still.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { Broker } from '../../src/broker/index.js';
import { Client } from '../../src/node/index.js';

const library = new URL('../../dist/index.js', import.meta.url).href;

let broker: Broker;
let client: Client;
let url: string;
beforeEach(async () => {
  broker = await Broker.start({ listen: { host: '127.0.0.1', port: 0 } });
  url = broker.addresses[0] ?? '';
  client = await Client.connect(url);
});
afterEach(async () => {
  await client.close();
  await broker.close();
});

/** Runs a program to its end, and gives what it printed. */
async function run(program: string): Promise<string[]> {
  const code = `import { callSync, publishSync } from '${library}';
    const url = '${url}';
    const codeOf = (act) => { try { act(); return 'done'; } catch (error) { return error.code ?? error.name; } };
    ${program}`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
    timeout: 8000,
  });
  expect(stderr).toBe('');
  return stdout.split('\n').slice(0, -1);
}

describe('publishSync', () => {
  it('returns when the broker has the message, in order, and lets the program end', async () => {
    const seen: unknown[] = [];
    await client.subscribe('x', (message) => seen.push([message.body, message.persist]));
    await run(`for (let n = 0; n < 10; n++) publishSync('x', n, { url, persist: n === 9 });`);
    await client.flush();
    expect(seen).toEqual(Array.from({ length: 10 }, (_, n) => [n, n === 9]));
  });

  it('throws what the broker has against the message, and what it cannot send', async () => {
    expect(
      await run(`
        console.log(codeOf(() => publishSync('x', 1, { url, time: Date.now() / 1000 + 3600 })));
        console.log(codeOf(() => publishSync('x', { get cycle() { return this; } }, { url })));
        console.log(codeOf(() => publishSync('x', { run() {} }, { url })));
        console.log(codeOf(() => publishSync('x', 1, { url })));`),
    ).toEqual(['TIME_INVALID', 'NOT_ENCODABLE', 'NOT_ENCODABLE', 'done']);
  });
});

describe('callSync', () => {
  it('returns the result, and throws the errors of the provider', async () => {
    await client.provide('square', (n: number) => n * n);
    await client.provide('fails', () => {
      throw new Error('too much');
    });
    expect(
      await run(`
        console.log(callSync('square', 7, { url }));
        try { callSync('fails', 1, { url }); } catch (error) { console.log(error.code, error.message); }
        console.log(callSync('square', 8, { url }));`),
    ).toEqual(['49', 'REMOTE too much', '64']);
  });

  it('takes a timeout of a month for what it says', async () => {
    await client.provide('square', (n: number) => n * n);
    expect(await run(`console.log(callSync('square', 3, { url, timeout: 30 * 24 * 3600 * 1000 }));`)).toEqual(['9']);
  });

  it('says that nobody provides it, or that nobody is there, and works when somebody is', async () => {
    await client.provide('square', (n: number) => n * n);
    expect(
      await run(`
        console.log(codeOf(() => callSync('nobody', 1, { url, timeout: 5000 })));
        console.log(codeOf(() => callSync('square', 1, { url: 'tcp://127.0.0.1:1', timeout: 50 })));
        console.log(callSync('square', 3, { url }));`),
    ).toEqual(['NO_PROVIDER', 'TIMEOUT', '9']);
  });
});

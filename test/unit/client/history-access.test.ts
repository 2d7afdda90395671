// Where rules hold, history is told to those who may subscribe, and a durable subscription is its user's.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { Client } from '../../../src/node/index.js';
import type { MemoryNetwork } from '../../../src/testing/index.js';
import { memoryNetwork } from '../../../src/testing/index.js';
import { hashToken } from '../../../src/access/index.js';
import type { AccessOptions } from '../../../src/access/index.js';
import type { Broker } from '../../../src/broker/index.js';

const everything = { publish: ['**'], subscribe: ['**'] };
const token = (name: string) => `the token of ${name}, which is long enough`;
const user = (name: string) => ({ token: hashToken(token(name)) });
const access = (eve: readonly string[]): AccessOptions => ({
  users: {
    ann: { ...user('ann'), allow: everything },
    bob: { ...user('bob'), allow: everything },
    eve: { ...user('eve'), allow: { subscribe: eve } },
  },
});

let network: MemoryNetwork;
let broker: Broker;
let ann: Client;

const login = (name: string) => network.client({ auth: { token: token(name) } });

beforeEach(async () => {
  network = memoryNetwork();
  network.engine.keepHistory({ pattern: 'log/**', maxMessages: 1000 });
  broker = await network.broker({ cluster: true, access: access(['log/open/*']) });
  ann = await login('ann');
});
afterEach(async () => network.close());

async function publish(channel: string, body: unknown): Promise<void> {
  await network.until(ann.publish(channel, body, { ack: true }));
}

describe('history, where rules hold,', () => {
  it('is told as far as its reader may subscribe', async () => {
    await publish('log/open/x', 1);
    await publish('log/secret/x', 2);
    await publish('log/open/x', 3);
    const eve = await login('eve');
    const read: unknown[] = [];
    await network.until(eve.subscribe('log/**', ({ body }) => read.push(body), { from: 'start' }));
    await network.until(eve.subscribe('log/**', ({ body }) => read.push(body), { durable: 'd', from: 'start' }));
    await network.advance('1 s');
    expect(read).toEqual([1, 3, 1, 3]);
    await expect(network.until(eve.subscribe('log/secret/*', () => {}, { from: 'start' }))).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    await expect(network.until(eve.history('log/secret/*').next())).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('is told no more when the rules have changed', async () => {
    const eve = await login('eve');
    const codes: unknown[] = [];
    const read: unknown[] = [];
    eve.on('error', ({ code }) => codes.push(code));
    const subscription = await network.until(
      eve.subscribe('log/open/*', ({ body }) => read.push(body), { from: 'start' }),
    );
    await publish('log/open/x', 1);
    await network.advance('1 s');
    await network.until(broker.reload({ access: access(['other']) }));
    await publish('log/open/x', 2);
    await network.advance('1 s');
    expect(read).toEqual([1]);
    expect(subscription.ended).toBe(true);
    expect(codes).toEqual(['FORBIDDEN']);
  });

  it('has durable subscriptions that no other user can read, list or remove', async () => {
    const bob = await login('bob');
    const [forAnn, forBob]: [unknown[], unknown[]] = [[], []];
    await network.until(ann.subscribe('log/**', ({ body }) => forAnn.push(body), { durable: 'work' }));
    await network.until(bob.subscribe('log/open/*', ({ body }) => forBob.push(body), { durable: 'work' }));
    await publish('log/open/x', 1);
    await network.advance('1 s');
    expect([forAnn, forBob]).toEqual([[1], [1]]);
    expect(await network.until(ann.durables.list())).toMatchObject([{ name: 'work', pattern: 'log/**' }]);
    expect(await network.until(bob.durables.remove('work'))).toBe(true);
    expect(await network.until(bob.durables.list())).toEqual([]);
    expect(await network.until(ann.durables.list())).toHaveLength(1);
  });

  it('cannot be forged by what others write in heads', async () => {
    const bob = await login('bob');
    const [plain, read]: [unknown[], unknown[]] = [[], []];
    await network.until(ann.subscribe('log/**', ({ body }) => read.push(body), { from: 'start' }));
    await network.until(ann.subscribe('log/**', ({ body }) => plain.push(body)));
    await network.until(bob.publish('log/x', 1, { head: { '-history': 'x/1/1/1' }, ack: true }));
    await network.until(bob.publish('-control/history', { n: 1, ended: null }).catch(() => {}));
    await network.until(bob.publish('log/x', 2, { ack: true }));
    await network.advance('1 s');
    expect(read).toEqual([1, 2]);
    expect(plain).toEqual([1, 2]);
  });
});

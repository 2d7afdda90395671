// A subscription to more than one may read brings what one may read: live, kept, in groups, and what is asked for.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { hashToken } from '../../../src/access/index.js';
import type { AccessOptions } from '../../../src/access/index.js';
import type { Broker } from '../../../src/broker/index.js';
import type { Client } from '../../../src/node/index.js';
import type { MemoryNetwork } from '../../../src/testing/index.js';
import { memoryNetwork } from '../../../src/testing/index.js';
import { RecordingLogger } from '../../support/recording-logger.js';

let network: MemoryNetwork;
beforeEach(() => {
  network = memoryNetwork();
});
afterEach(async () => network.close());

const token = (name: string) => `token-of-${name}`;
const user = (name: string, more: object = {}) => ({ [name]: { token: hashToken(token(name)), ...more } });
const access: AccessOptions = {
  users: {
    ...user('admin', { allow: 'all' }),
    ...user('r2', { groups: ['robots'] }),
    ...user('r3', { groups: ['robots'] }),
  },
  groups: {
    robots: {
      allow: { publish: ['robots/{user}/**'], subscribe: ['robots/{user}/**', 'news/**'], call: ['math/**'] },
      deny: { subscribe: ['news/secret'] },
    },
  },
  anonymous: { allow: { subscribe: ['news/a'] } },
};

const as = async (name: string): Promise<Client> => network.client({ auth: { token: token(name) } });

async function listen(client: Client, pattern: string): Promise<unknown[]> {
  const got: unknown[] = [];
  await network.until(client.subscribe(pattern, ({ channel, body }) => got.push(`${channel} ${String(body)}`)));
  return got;
}

async function listed(client: Client, pattern: string): Promise<string[]> {
  const channels: string[] = [];
  for await (const { channel } of client.kept.list(pattern)) channels.push(channel);
  return channels;
}

describe('a subscription to **', () => {
  it('brings what its owner may read, live and kept, and nothing else', async () => {
    await network.broker({ access });
    const admin = await as('admin');
    await network.until(admin.publish('robots/r2/goal', 1, { persist: true }));
    await network.until(admin.publish('robots/r3/goal', 2, { persist: true }));
    await network.until(admin.publish('news/secret', 3, { persist: true }));
    const r2 = await as('r2');
    const nobody = await network.client();
    const [got, public_] = [await listen(r2, '**'), await listen(nobody, '**')];
    for (const channel of ['robots/r2/x', 'robots/r3/x', 'news/a', 'news/secret', 'other']) {
      await network.until(admin.publish(channel, 'live'));
    }
    await network.until(admin.flush());
    await network.idle();
    expect(got).toEqual(['robots/r2/goal 1', 'robots/r2/x live', 'news/a live']);
    expect(public_).toEqual(['news/a live']);
  });

  it('shows nobody what others say to the broker, unless that is allowed by name', async () => {
    await network.broker({
      access: {
        ...access,
        everyone: { allow: { subscribe: ['**'] } },
        users: { ...access.users, ...user('watch', { allow: { subscribe: ['-control/**'] } }) },
      },
    });
    const [r2, watch] = [await as('r2'), await as('watch')];
    const [got, seen] = [await listen(r2, '**'), await listen(watch, '**')];
    const admin = await as('admin');
    await listen(admin, 'private');
    await network.idle();
    expect(got).toEqual([]);
    expect(seen).toContain('-control/subscribe private');
  });
});

describe('what may never be read', () => {
  it('is refused with FORBIDDEN', async () => {
    await network.broker({ access });
    const r2 = await as('r2');
    for (const pattern of ['robots/r3/**', 'news/secret', '-control/**', 'math/square/-rpc/**/call']) {
      await expect(network.until(r2.subscribe(pattern, () => {}))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
    await expect(network.until(listed(r2, 'robots/r3/*'))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(network.until(r2.kept.get('robots/r3/goal'))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(network.until(r2.publish('robots/r3/x', 1, { ack: true }))).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
  });

  it('is not in lists of what is kept, and not cleared with the rest', async () => {
    await network.broker({ access });
    const [admin, r2] = [await as('admin'), await as('r2')];
    for (const name of ['r2', 'r3']) await network.until(admin.publish(`robots/${name}/goal`, 1, { persist: true }));
    expect(await network.until(listed(r2, '**'))).toEqual(['robots/r2/goal']);
    await expect(network.until(r2.kept.clear('robots/**'))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(await network.until(admin.kept.get('robots/r3/goal'))).toMatchObject({ body: 1 });
  });

  it('is given to no member of a group that may not have it', async () => {
    await network.broker({ access });
    const [admin, r2, r3] = [await as('admin'), await as('r2'), await as('r3')];
    const got: string[] = [];
    for (const [name, client] of Object.entries({ r2, r3 })) {
      await network.until(client.subscribe('**', ({ channel }) => got.push(`${name}: ${channel}`), { group: 'work' }));
    }
    for (let n = 0; n < 4; n++) await network.until(admin.publish('robots/r2/x', n));
    await network.until(admin.flush());
    await network.idle();
    expect(new Set(got)).toEqual(new Set(['r2: robots/r2/x']));
    expect(got).toHaveLength(4);
  });
});

describe('calls', () => {
  const withMath: AccessOptions = {
    ...access,
    users: { ...access.users, ...user('math', { allow: { provide: ['math/**'] } }) },
  };

  it('are made by those who may call, and answered by those who may provide', async () => {
    await network.broker({ access: withMath });
    const [math, r2] = [await as('math'), await as('r2')];
    await network.until(math.provide('math/square', (x) => Number(x) ** 2));
    expect(await network.until(r2.call('math/square', 7))).toBe(49);
    await expect(network.until(math.call('math/square', 7))).rejects.toMatchObject({
      code: 'FORBIDDEN',
      retryable: false,
    });
    await expect(network.until(r2.provide('math/cube', () => 0))).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining('r2 may not provide math/cube'),
    });
    await expect(network.until(r2.call('other/cube', 1))).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining('r2 may not call other/cube'),
    });
  });
});

describe('other rules', () => {
  const reload = async (broker: Broker, change: AccessOptions): Promise<void> =>
    broker.reload({ access: { ...access, ...change } });

  it('hold at once for who is connected: what was remembered is forgotten, and no connection is lost', async () => {
    const logger = new RecordingLogger();
    const broker = await network.broker({ access, logger });
    const [admin, r2] = [await as('admin'), await as('r2')];
    const got = await listen(r2, '**');
    const publish = async (): Promise<void> => {
      for (const channel of ['robots/r2/x', 'news/a']) await network.until(admin.publish(channel, 1));
      await network.until(admin.flush());
      await network.until(r2.flush());
    };
    await publish();
    await reload(broker, { groups: { robots: { allow: { subscribe: ['news/**'] } } } });
    await publish();
    await reload(broker, {});
    await publish();
    expect(got.map((line) => String(line).split(' ')[0])).toEqual([
      'robots/r2/x',
      'news/a',
      'news/a',
      'robots/r2/x',
      'news/a',
    ]);
    expect(broker.stats.connections).toBe(2);
  });

  it('end the connections of users that are no more, or not by what they were known by', async () => {
    const broker = await network.broker({ access });
    const [admin, r2, r3] = [await as('admin'), await as('r2'), await as('r3')];
    const ends: string[] = [];
    for (const [name, client] of Object.entries({ admin, r2, r3 })) {
      client.on('state', (state, error) => state === 'closed' && ends.push(`${name} ${error?.code ?? ''}`));
    }
    await reload(broker, {
      users: { ...user('admin', { allow: 'all' }), r3: { token: hashToken('another'), groups: ['robots'] } },
    });
    await network.idle();
    expect(ends).toEqual(['r2 UNAUTHENTICATED', 'r3 UNAUTHENTICATED']);
  });

  it('that make no sense change nothing', async () => {
    const broker = await network.broker({ access });
    const r2 = await as('r2');
    await expect(reload(broker, { users: { x: { groups: ['nowhere'] } } })).rejects.toThrow(
      'there is no group nowhere',
    );
    await expect(reload(broker, { users: { x: { password: 'plain' } } })).rejects.toThrow('scrypt');
    await network.until(r2.publish('robots/r2/x', 1, { ack: true }));
  });
});

it('lets nobody in without a login when there is no anonymous user: not to listen, not to publish', async () => {
  const broker = await network.broker({ access: { users: user('admin', { allow: 'all' }) } });
  const admin = await as('admin');
  const nobody = network.prepare();
  const closed = new Promise((resolve) => nobody.on('state', (state, error) => state === 'closed' && resolve(error)));
  void nobody.connect().catch(() => {});
  expect(await network.until(closed)).toMatchObject({ code: 'UNAUTHENTICATED' });
  await network.until(admin.flush());
  expect(broker.stats.connections).toBe(1);
});

// Who sees who is there, and whose last will is published, where rules hold.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { hashToken } from '../../../src/access/index.js';
import type { AccessOptions } from '../../../src/access/index.js';
import type { Broker } from '../../../src/broker/index.js';
import type { Client, PresenceNews } from '../../../src/index.js';
import type { MemoryNetwork } from '../../../src/testing/index.js';
import { memoryNetwork } from '../../../src/testing/index.js';

const token = (name: string) => `token-of-${name}`;
const user = (name: string, more: object = {}) => ({ [name]: { token: hashToken(token(name)), ...more } });
const users = {
  ...user('admin', { allow: 'all' }),
  ...user('porter', { allow: { subscribe: ['-presence/**'] } }),
  ...user('r2', { allow: { publish: ['status/{user}'] } }),
};
const access: AccessOptions = { users, anonymous: { allow: { subscribe: ['status/*'] } } };

let network: MemoryNetwork;
let broker: Broker;
beforeEach(async () => {
  network = memoryNetwork();
  broker = await network.broker({ access });
});
afterEach(async () => network.close());

const as = async (name: string, more: object = {}): Promise<Client> =>
  network.client({ name, auth: { token: token(name) }, ...more });

function problems(client: Client): string[] {
  const codes: string[] = [];
  client.on('error', ({ code }) => codes.push(code));
  return codes;
}

describe('presence', () => {
  const watch = async (client: Client): Promise<PresenceNews[]> => {
    const news: PresenceNews[] = [];
    await network.until(client.presence.watch((one) => news.push(one)));
    return news;
  };

  it('is for those who may read -presence/** by name: not for everyone, nor for who may do everything else', async () => {
    for (const client of [await as('admin'), await as('r2'), await network.client()]) {
      await expect(network.until(client.presence.list())).rejects.toMatchObject({ code: 'FORBIDDEN' });
      await expect(network.until(client.presence.watch(() => {}))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
    const porter = await as('porter');
    const names = (await network.until(porter.presence.list())).map(({ identity }) => identity);
    expect(names).toEqual(['admin', 'r2', 'anonymous', 'porter']);
  });

  it('is told no more from when the right to it is gone', async () => {
    const porter = await as('porter');
    const codes = problems(porter);
    const news = await watch(porter);
    await network.until(as('r2'));
    expect(news.flatMap(({ changed }) => changed.map(({ identity }) => identity))).toEqual(['r2']);
    news.length = 0;
    await broker.reload({ access: { ...access, users: { ...users, ...user('porter') } } });
    await network.until(as('admin'));
    await network.idle();
    expect(news).toEqual([]);
    expect(codes).toEqual(['FORBIDDEN']);
  });

  it('does not know who has not logged in yet: they come when they have', async () => {
    await broker.reload({ access: { users } });
    const porter = await as('porter');
    const news = await watch(porter);
    news.length = 0;
    const r2 = await as('r2');
    await network.until(r2.close());
    const stranger = network.prepare();
    void stranger.connect().catch(() => {});
    await network.advance('20 s');
    const known = (entries: PresenceNews['joined']) => entries.map(({ identity }) => identity);
    expect(news.flatMap(({ joined }) => known(joined))).toEqual(['r2']);
    expect(news.flatMap(({ changed }) => known(changed))).toEqual([]);
    expect(news.flatMap(({ left }) => left)).toHaveLength(1);
  });
});

describe('a will', () => {
  const hear = async (): Promise<unknown[]> => {
    const bodies: unknown[] = [];
    const client = await network.client();
    await network.until(client.subscribe('status/*', ({ channel, body }) => bodies.push([channel, body])));
    return bodies;
  };
  const die = async (name: string): Promise<void> => {
    network.cut(name, 'broker-1');
    await network.idle();
  };

  it('is published where its owner may publish, and refused when it is set where it may not', async () => {
    const bodies = await hear();
    const r2 = await as('r2', { reconnect: false, will: { channel: 'status/r2', body: 'lost' } });
    const codes = problems(r2);
    await network.until(r2.flush());
    await network.until(r2.setWill({ channel: 'status/r3', body: 'forged' }));
    expect(codes).toEqual(['FORBIDDEN']);
    await die('r2');
    expect(bodies).toEqual([['status/r2', 'lost']]);
  });

  it('is not published when its owner may no longer publish there', async () => {
    const bodies = await hear();
    const r2 = await as('r2', { reconnect: false, will: { channel: 'status/r2', body: 'lost' } });
    await network.until(r2.flush());
    await broker.reload({ access: { ...access, users: { ...users, ...user('r2') } } });
    await die('r2');
    expect(bodies).toEqual([]);
    expect(broker.stats.refused).toBe(1);
  });

  it('is not published for a user that is no more', async () => {
    const bodies = await hear();
    const r2 = await as('r2', { will: { channel: 'status/r2', body: 'lost' } });
    await network.until(r2.flush());
    const { r2: _r2, ...others } = users;
    await broker.reload({ access: { ...access, users: others } });
    await network.idle();
    expect(r2.state).toBe('closed');
    expect(bodies).toEqual([]);
  });

  it('reaches those alone who may read it', async () => {
    await broker.reload({ access: { ...access, anonymous: { allow: { subscribe: ['status/other'] } } } });
    const bodies = await hear();
    const r2 = await as('r2', { reconnect: false, will: { channel: 'status/r2', body: 'lost', persist: true } });
    await network.until(r2.flush());
    await die('r2');
    expect(bodies).toEqual([]);
    expect(await hear()).toEqual([]);
  });
});

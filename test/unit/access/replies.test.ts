// Where rules hold, a call is answered by those to whom it was given, and the answer is for who made it.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { hashToken } from '../../../src/access/index.js';
import type { AccessOptions } from '../../../src/access/index.js';
import type { Broker } from '../../../src/broker/index.js';
import type { Client } from '../../../src/node/index.js';
import type { MemoryNetwork } from '../../../src/testing/index.js';
import { memoryNetwork } from '../../../src/testing/index.js';

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
    ...user('math', { allow: { provide: ['math/**'] } }),
    ...user('impostor', { allow: { provide: ['math/**'] } }),
    ...user('alice', { groups: ['callers'] }),
    ...user('eve', { groups: ['callers'] }),
    ...user('auditor', { allow: { subscribe: ['math/**/-rpc/**'] } }),
  },
  groups: { callers: { allow: { call: ['math/**'] } } },
  anonymous: { allow: { call: ['math/**'] } },
};

const as = async (name: string, to?: string): Promise<Client> =>
  network.client({ auth: { token: token(name) }, ...(to !== undefined && { to }) });

/** The last token of the channels of what comes, and its body. */
async function listen(client: Client, pattern: string, group?: string): Promise<unknown[]> {
  const got: unknown[] = [];
  const note = ({ channel, body }: { channel: string; body: unknown }): unknown =>
    got.push([channel.split('/').at(-1), body]);
  await network.until(client.subscribe(pattern, note, group === undefined ? {} : { group }));
  return got;
}

const forbidden = expect.objectContaining({ code: 'FORBIDDEN' });
const refusal = async (published: Promise<void>): Promise<unknown> =>
  network.until(published).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('with rules', () => {
  let broker: Broker;
  beforeEach(async () => {
    broker = await network.broker({ access });
  });

  it('nobody reads the calls and results of others by the right to call the same', async () => {
    const [math, alice, eve] = [await as('math'), await as('alice'), await as('eve')];
    await network.until(math.provide('math/square', (x) => Number(x) ** 2));
    const got = [
      await listen(eve, '**'),
      await listen(eve, '**/-rpc/**/result'),
      await listen(eve, 'math/square/-rpc/**/part'),
      await listen(eve, '**/-rpc/**/result', 'readers'),
    ];
    expect(await network.until(alice.call('math/square', 7))).toBe(49);
    await network.idle();
    expect(got).toEqual([[], [], [], []]);
    expect(await network.until(eve.call('math/square', 3))).toBe(9);
    await expect(network.until(eve.subscribe('math/square/-rpc/**/call', () => {}))).rejects.toEqual(forbidden);
  });

  it('those read them who may subscribe to them by name, or do everything', async () => {
    const [math, alice] = [await as('math'), await as('alice')];
    await network.until(math.provide('math/square', (x) => Number(x) ** 2));
    const got = [await listen(await as('admin'), '**'), await listen(await as('auditor'), 'math/square/-rpc/**')];
    await network.until(alice.call('math/square', 7));
    await network.idle();
    for (const seen of got) {
      expect(seen).toEqual([
        ['call', 7],
        ['result', { okay: 49 }],
      ]);
    }
  });

  it.each(['result', 'part'])('a %s of somebody to whom the call was not given is refused', async (kind) => {
    const [math, impostor] = [await as('math'), await as('impostor')];
    const alice = await as('alice');
    const calls: string[] = [];
    await network.until(math.subscribe('math/square/-rpc/**/call', ({ channel }) => calls.push(channel)));
    const called = alice.call('math/square', 7);
    await network.idle();
    const reply = String(calls[0]).replace(/call$/, kind);
    expect(await refusal(impostor.publish(reply, { okay: 'forged' }, { ack: true }))).toEqual(forbidden);
    await math.publish(reply.replace(/part$/, 'result'), { okay: 49 });
    expect(await network.until(called)).toBe(49);
    expect(broker.stats.refused).toBe(1);
  });

  it('a member of a group that was not chosen cannot answer in place of the one that was', async () => {
    const calls: [Client, string][] = [];
    const providers = [await as('math'), await as('impostor')];
    for (const one of providers) {
      const note = ({ channel }: { channel: string }): unknown => calls.push([one, channel]);
      await network.until(one.subscribe('math/square/-rpc/**/call', note, { group: 'default' }));
    }
    const called = (await as('alice')).call('math/square', 7);
    await network.idle();
    expect(calls).toHaveLength(1);
    const [[chosen, channel] = []] = calls;
    const other = providers.find((one) => one !== chosen);
    const reply = String(channel).replace(/call$/, 'result');
    expect(await refusal(other?.publish(reply, { okay: 'forged' }, { ack: true }) ?? Promise.resolve())).toEqual(
      forbidden,
    );
    await network.until(chosen?.publish(reply, { okay: 'mine' }, { ack: true }) ?? Promise.resolve());
    expect(await network.until(called)).toBe('mine');
  });

  it('streams and progress come through, to the caller alone', async () => {
    const [math, alice, eve] = [await as('math'), await as('alice'), await as('eve')];
    await network.until(
      math.provide('math/count', async function* (to) {
        for (let n = 1; n <= Number(to); n++) yield n;
      }),
    );
    const seen = await listen(eve, '**/-rpc/**/part');
    const items: unknown[] = [];
    const all = (async () => {
      for await (const item of alice.stream('math/count', 100)) items.push(item);
    })();
    await network.until(all);
    expect(items).toHaveLength(100);
    expect(seen).toEqual([]);
  });

  it('only who made a call cancels it, and nobody else makes one of the same name', async () => {
    const [math, alice, eve] = [await as('math'), await as('alice'), await as('eve')];
    const calls: string[] = [];
    await network.until(math.subscribe('math/square/-rpc/**/call', ({ channel }) => calls.push(channel)));
    const controls = await listen(math, 'math/square/-rpc/**/control');
    const called = alice.call('math/square', 7);
    await network.idle();
    const [call = ''] = calls;
    const cancel = call.replace(/call$/, 'cancel/control');
    expect(await refusal(eve.publish(cancel, '', { ack: true }))).toEqual(forbidden);
    expect(await refusal(eve.publish(call, 8, { ack: true }))).toEqual(forbidden);
    expect([controls, calls]).toEqual([[], [call]]);
    await math.publish(call.replace(/call$/, 'result'), { okay: 1 });
    expect(await network.until(called)).toBe(1);
  });

  it('callers as those of the peers are answered, and nobody else hears it', async () => {
    const [math, eve] = [await as('math'), await as('eve')];
    await network.until(math.provide('math/square', (x) => Number(x) ** 2));
    const peer = await network.client();
    const seen = await listen(eve, '**/-rpc/**/result');
    const got = await listen(peer, 'math/square/-rpc/peer/1/result');
    await network.until(peer.publish('math/square/-rpc/peer/1/call', 7));
    await network.idle();
    expect(got).toEqual([['result', { okay: 49 }]]);
    // Two of these cannot be told apart: all who call may hear the result.
    const [nameless, others] = [await listen(peer, 'math/square/-rpc/result'), seen];
    await network.until(peer.publish('math/square/-rpc/call', 3));
    await network.idle();
    expect([nameless, others]).toEqual([[['result', { okay: 9 }]], [['result', { okay: 9 }]]]);
  });

  it('a result that is kept is shown to nobody for the right to call', async () => {
    const [math, eve, peer] = [await as('math'), await as('eve'), await network.client()];
    const result = 'math/square/-rpc/x/1/result';
    await listen(math, 'math/square/-rpc/**/call');
    const got = await listen(peer, result);
    await network.until(peer.publish('math/square/-rpc/x/1/call', 1, { ack: true }));
    await network.until(math.publish(result, { okay: 1 }, { persist: true, ack: true }));
    await network.idle();
    expect(got).toEqual([['result', { okay: 1 }]]);
    expect(await listen(eve, '**')).toEqual([]);
    await expect(network.until(eve.kept.get(result))).rejects.toEqual(forbidden);
  });

  it('a result of a call that is not known goes to none but who may read it by name', async () => {
    const [impostor, peer, auditor] = [await as('impostor'), await network.client(), await as('auditor')];
    const result = 'math/square/-rpc/x/1/result';
    const [got, seen] = [await listen(peer, result), await listen(auditor, result)];
    await network.until(impostor.publish(result, { okay: 'early' }, { persist: true, ack: true }));
    await network.idle();
    expect([got, seen]).toEqual([[], [['result', { okay: 'early' }]]]);
    expect(await listen(auditor, '**')).toEqual([]);
  });
});

it('without rules monitors see calls and results, as on a broker of the peers', async () => {
  await network.broker();
  const [math, alice] = [await network.client(), await network.client()];
  await network.until(math.provide('math/square', (x) => Number(x) ** 2));
  const seen = await listen(await network.client(), '**/-rpc/**');
  await network.until(alice.call('math/square', 7));
  await network.idle();
  expect(seen).toEqual([
    ['call', 7],
    ['result', { okay: 49 }],
  ]);
});

describe('in a cluster with rules', () => {
  beforeEach(async () => {
    for (const name of ['one', 'two', 'three']) await network.broker({ name, cluster: true, access });
  });

  it('results go to the caller, wherever it is, and come from the provider', async () => {
    const math = await as('math', 'one');
    const calls: string[] = [];
    await network.until(math.subscribe('math/square/-rpc/**/call', ({ channel }) => calls.push(channel)));
    const seen: unknown[][] = [];
    for (const to of ['one', 'two', 'three']) seen.push(await listen(await as('eve', to), '**/-rpc/**/result'));
    const audited = await listen(await as('auditor', 'three'), 'math/**/-rpc/**/result');
    for (const to of ['one', 'two']) {
      const called = (await as('alice', to)).call('math/square', 7);
      await network.advance('100 ms');
      const reply = String(calls.pop()).replace(/call$/, 'result');
      const impostor = await as('impostor', 'one');
      expect(await refusal(impostor.publish(reply, { okay: 'forged' }, { ack: true }))).toEqual(forbidden);
      await network.until(math.publish(reply, { okay: 49 }, { ack: true }));
      expect(await network.until(called)).toBe(49);
    }
    await network.advance('100 ms');
    expect(seen).toEqual([[], [], []]);
    expect(audited).toHaveLength(2);
  });

  it('nobody answers in place of the member of a group that was chosen, on whichever broker', async () => {
    const providers = [await as('math', 'one'), await as('impostor', 'two'), await as('impostor', 'three')];
    const calls: [Client, string][] = [];
    for (const one of providers) {
      const note = ({ channel }: { channel: string }): unknown => calls.push([one, channel]);
      await network.until(one.subscribe('math/square/-rpc/**/call', note, { group: 'default' }));
    }
    await network.advance('100 ms');
    const stranger = await as('impostor', 'three');
    for (const to of ['one', 'two', 'three', 'one', 'two', 'three']) {
      calls.length = 0;
      const called = (await as('alice', to)).call('math/square', 7);
      await network.advance('100 ms');
      expect(calls).toHaveLength(1);
      const [[chosen, channel] = []] = calls;
      const reply = String(channel).replace(/call$/, 'result');
      for (const other of [stranger, ...providers]) {
        if (other !== chosen) await refusal(other.publish(reply, { okay: 'forged' }, { ack: true }));
      }
      await network.advance('100 ms');
      await network.until(chosen?.publish(reply, { okay: 'mine' }, { ack: true }) ?? Promise.resolve());
      expect(await network.until(called)).toBe('mine');
    }
  });

  it('receivers are narrowed for what comes from other brokers, live and kept', async () => {
    const admin = await as('admin', 'one');
    const auditor = await listen(await as('auditor', 'two'), '**');
    const all = await listen(await as('admin', 'two'), 'secret');
    await network.until(admin.publish('secret', 1, { ack: true }));
    await network.until(admin.publish('secret', 2, { persist: true, ack: true }));
    await network.advance('100 ms');
    expect(all).toHaveLength(2);
    expect(auditor).toEqual([]);
    expect(await listen(await as('auditor', 'three'), '**')).toEqual([]);
  });
});

// What a broker does for bridges, message by message: docs/protocol.md#feature-bridge.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { RawConnection, WireMessage } from '../../support/raw-connection.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
beforeEach(() => {
  ({ stage, clock } = memoryStage());
});
afterEach(async () => stage.close());

let greetings = 0;

/** A connection that is a bridge, and the broker's id. */
async function bridge(): Promise<{ raw: RawConnection; id: string }> {
  const raw = await stage.raw();
  const nonce = `n${++greetings}`;
  raw.publish('-control/hello', JSON.stringify({ nonce, features: ['bridge', 'errors', 'ping'] }));
  const welcome = await raw.next();
  expect(welcome.body).toMatchObject({ nonce, features: expect.arrayContaining(['bridge']) });
  const { id } = welcome.body as { id: string };
  return { raw, id };
}

/** A connection that is none. */
async function connect(): Promise<RawConnection> {
  const raw = await stage.raw();
  raw.publish('-control/hello', '{"nonce": "1", "features": ["ping"]}');
  await raw.next();
  return raw;
}

/** What came until now. */
async function heard(raw: RawConnection): Promise<WireMessage[]> {
  const marker = `-control/ping/me/${++greetings}`;
  raw.publish(marker);
  const frames = await raw.frames.takeUntil((frame) => frame.includes(marker));
  return frames.slice(0, -1).map((frame) => JSON.parse(frame) as WireMessage);
}

const want = (raw: RawConnection, ...patterns: string[]) =>
  raw.publish('-control/interest', JSON.stringify({ set: patterns.map((pattern) => [pattern, 1]), unset: [] }));
const summary = (messages: readonly WireMessage[]) =>
  messages.map(({ head, body }) => [head.channel, head['-id'], body] as const);

const interestIn = (messages: readonly WireMessage[]) =>
  messages.filter(({ head }) => head.channel === '-control/interest').map(({ body }) => body);

describe('a bridge', () => {
  it('is told what clients want, all of it at once and then what changes, but not of control messages', async () => {
    await stage.broker();
    const client = await connect();
    for (const pattern of ['a/*', '-control/x', 'b', '/b/']) client.subscribe(pattern);
    await heard(client);
    const { raw } = await bridge();
    const [all] = interestIn(await heard(raw));
    expect(all).toEqual({ set: expect.arrayContaining([['a/*', 0], ['b', 0]]), unset: [] }); // prettier-ignore

    client.subscribe('c');
    client.unsubscribe('a/*');
    client.subscribe('-control/y');
    await heard(client);
    expect(interestIn(await heard(raw))).toEqual([{ set: [['c', 0]], unset: ['a/*'] }]);
    await client.close();
    await clock.idle();
    expect(interestIn(await heard(raw))).toEqual([{ set: [], unset: expect.arrayContaining(['b', 'c']) }]);
  });

  it('is sent what it wants, numbered, and nothing else; monitors see nothing of it', async () => {
    await stage.broker();
    const monitor = await connect();
    monitor.subscribe('**');
    await heard(monitor);
    const { raw, id } = await bridge();
    await heard(raw);
    want(raw, 'a/**', 'a/b', 'x');
    await heard(raw);
    const client = await connect();
    client.publish('a/b', '1');
    client.publish('other', '2');
    client.publish('x', '3', { bounce: false, '-id': 'not:1', n: 1 });
    client.publish('-control/unknown', '4');
    await heard(client);
    const messages = await heard(raw);
    expect(summary(messages)).toEqual([
      ['a/b', `${id}:1`, 1],
      ['x', `${id}:2`, 3],
    ]);
    expect(messages[1]?.head).toEqual({ '-id': `${id}:2`, channel: 'x', n: 1, time: expect.any(Number) });
    const seen = (await heard(monitor)).map(({ head }) => head);
    expect(seen.map(({ channel }) => channel)).toEqual(['a/b', 'other', 'x', '-control/unknown']);
    expect(seen.every((head) => !('-id' in head))).toBe(true);
    raw.publish('-control/interest', '{"set": [["a/b", 16]], "unset": ["a/**"]}');
    await heard(raw);
    client.publish('a/b', '5');
    await heard(client);
    expect(await heard(raw)).toEqual([]);
  });

  it('knows of what was subscribed to before a message was published, when it gets the message', async () => {
    await stage.broker();
    const { raw } = await bridge();
    want(raw, 'square/**');
    await heard(raw);
    const caller = await connect();
    // In one turn, as a caller does.
    caller.send(
      '{"head": {"channel": "-control/subscribe"}, "body": "square/-rpc/1/result"}\0' +
        '{"head": {"channel": "square/-rpc/1/call"}, "body": 7}\0',
    );
    await heard(caller);
    const [first, second] = await heard(raw);
    expect(first?.body).toEqual({ set: [['square/-rpc/1/result', 0]], unset: [] });
    expect(second).toMatchObject({ head: { channel: 'square/-rpc/1/call' }, body: 7 });
  });

  it('passes on what another bridge wants, one farther away', async () => {
    await stage.broker();
    const one = await bridge();
    const two = await bridge();
    await heard(two.raw);
    one.raw.publish('-control/interest', '{"set": [["a", 4], ["b", 16]], "unset": []}');
    await heard(one.raw);
    expect(interestIn(await heard(two.raw))).toEqual([{ set: [['a', 4]], unset: [] }]);
    expect(interestIn(await heard(one.raw))).toEqual([]);
    await one.raw.close();
    await clock.idle();
    expect(interestIn(await heard(two.raw))).toEqual([{ set: [], unset: ['a'] }]);
  });

  it('brings messages of other brokers, each of which counts once', async () => {
    const broker = await stage.broker();
    const client = await connect();
    client.subscribe('a');
    await heard(client);
    const [one, two, three] = [await bridge(), await bridge(), await bridge()];
    for (const { raw } of [one, two, three]) want(raw, 'a');
    for (const { raw } of [one, two, three]) await heard(raw);
    one.raw.publish('a', '1', { '-id': 'far:1' });
    await heard(one.raw);
    two.raw.publish('a', '1', { '-id': 'far:1' });
    two.raw.publish('a', '2', { '-id': 'far:2' });
    // What it numbered itself is its own.
    three.raw.publish('a', '0', { '-id': `${one.id}:1` });
    for (const { raw } of [two, three]) await heard(raw);
    expect((await heard(client)).map(({ head, body }) => [head['-id'], body])).toEqual([
      [undefined, 1],
      [undefined, 2],
    ]);
    expect(broker.stats.repeated).toBe(2);
    expect(summary(await heard(three.raw))).toEqual([]);
  });

  it('gets no message that came by itself, or from the broker it leads to', async () => {
    await stage.broker();
    const [one, two, three, four] = [await bridge(), await bridge(), await bridge(), await bridge()];
    const all = [one, two, three, four];
    for (const { raw } of all) want(raw, 'a');
    // Two that lead to one broker, one that leads to another, one that does not know.
    for (const { raw } of [one, two]) raw.publish('-control/mirror', '{"patterns": [], "far": "far"}');
    three.raw.publish('-control/mirror', '{"patterns": [], "far": "origin"}');
    for (const { raw } of all) await heard(raw);
    one.raw.publish('a', '1', { '-id': 'origin:1' });
    await heard(one.raw);
    const got = await Promise.all(all.map(async ({ raw }) => summary(await heard(raw))));
    expect(got).toEqual([[], [], [], [['a', 'origin:1', 1]]]);
  });

  it('learns what a client calls its message, so that one published again is known everywhere', async () => {
    const broker = await stage.broker();
    const { raw, id } = await bridge();
    await heard(raw);
    want(raw, 'a');
    await heard(raw);
    const client = await stage.raw();
    client.publish('-control/hello', '{"nonce": "1", "features": ["ping", "ack"]}');
    client.publish('a', '1', { '-id': 'c:7' });
    await heard(client);
    expect(summary(await heard(raw))).toEqual([['a', `${id}:1;c:7`, 1]]);
    // The same, which its client has published again with another broker; and one that came from there.
    raw.publish('a', '1', { '-id': 'far:1;c:7' });
    raw.publish('a', '2', { '-id': 'far:2;c:8' });
    await heard(raw);
    client.subscribe('a');
    client.publish('a', '2', { '-id': 'c:8' });
    client.publish('a', '3', { '-id': 'c:9' });
    // Answers come at the end of a turn.
    const answers = [...(await heard(client)), ...(await heard(client))];
    expect(answers.filter(({ head }) => head.channel === 'a').map(({ body }) => body)).toEqual([3]);
    const acks = answers.filter(({ head }) => head.channel === '-control/ack');
    expect(acks.map(({ body }) => body)).toEqual([
      { done: [[7, 7]], failed: [] },
      { done: [[8, 9]], failed: [] },
    ]);
    expect(broker.stats.repeated).toBe(2);
  });

  it('is refused with an id that is none', async () => {
    await stage.broker();
    const { raw } = await bridge();
    await heard(raw);
    raw.publish('a', '1', { '-id': 'x' });
    raw.publish('-control/interest', '{"set": ["a"], "unset": []}');
    raw.publish('-control/mirror', '"**"');
    const errors = (await heard(raw)).map(({ body }) => (body as { code: string }).code);
    expect(errors).toEqual(['MALFORMED', 'MALFORMED', 'MALFORMED']);
  });

  it('is no bridge when the authorizer does not let it do everything', async () => {
    await stage.broker({ authorizer: { allows: (_who, action, target) => action === 'publish' || target !== '**' } });
    const raw = await stage.raw();
    raw.publish('-control/hello', '{"nonce": "1", "features": ["bridge", "ping"]}');
    expect((await raw.next()).body).toMatchObject({ features: ['ping'] });
    raw.publish('a', '1', { '-id': 'far:1' });
    expect(await heard(raw)).toEqual([]);
  });
});

describe('persistent messages across a bridge', () => {
  const kept = (n: number, time: number) => [String(n), { persist: true, time }] as const;

  it('are all sent to one that mirrors them: first what is kept, then what comes, wanted or not', async () => {
    await stage.broker();
    const client = await connect();
    client.publish('a/1', ...kept(1, 5));
    client.publish('b/1', ...kept(2, 6));
    await heard(client);
    const { raw, id } = await bridge();
    await heard(raw);
    raw.publish('-control/mirror', '{"patterns": ["a/**"], "far": "other"}');
    expect(summary(await heard(raw))).toEqual([['a/1', undefined, 1]]);
    client.publish('a/2', ...kept(3, 7));
    client.publish('b/1', ...kept(4, 8));
    client.publish('a/1', '5');
    await heard(client);
    expect(summary(await heard(raw))).toEqual([['a/2', `${id}:1`, 3]]);
  });

  it('reach the clients of the other side when they are newer, and nobody when they are not', async () => {
    await stage.broker();
    const client = await connect();
    client.publish('a', ...kept(1, 5));
    client.subscribe('a');
    await heard(client);
    const [one, two] = [await bridge(), await bridge()];
    two.raw.publish('-control/mirror', '{"patterns": ["**"]}');
    for (const { raw } of [one, two]) await heard(raw);
    one.raw.publish('a', ...kept(9, 4));
    one.raw.publish('a', ...kept(2, 6));
    one.raw.publish('a', ...kept(2, 6));
    await heard(one.raw);
    expect((await heard(client)).map(({ body }) => body)).toEqual([2]);
    expect((await heard(two.raw)).map(({ body }) => body)).toEqual([2]);
  });

  it('of one time end up the same whichever comes first', async () => {
    for (const order of [
      ['"b"', '"a"', '"c"'],
      ['"c"', '"a"', '"b"'],
      ['"a"', '"b"', '"c"'],
    ]) {
      await stage.broker();
      const { raw } = await bridge();
      order.forEach((body, n) => raw.publish('x', body, { persist: true, time: 5, '-id': `far:${n + 1}` }));
      await heard(raw);
      const reader = await connect();
      reader.subscribe('x');
      expect((await reader.next()).body).toBe('c');
      await stage.close();
    }
  });
});

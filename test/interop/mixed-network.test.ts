import { afterEach, describe, expect, it } from '@jest/globals';
import type { Codec, Message } from 'spoke';
import { call, JsonCodec, publish } from 'spoke';
import { MsgpackCodec } from '../../src/codecs/msgpack/index.js';
import { Collector } from '../support/collector.js';
import { Scene } from './scene.js';

const scene = new Scene();
afterEach(async () => {
  await scene.close();
});

/** One interface for both kinds, so that each test is said once. */
interface Program {
  readonly kind: 'ours' | 'theirs';
  listen(pattern: string): Promise<Collector<unknown>>;
  publish(channel: string, body: unknown, persist?: boolean): Promise<void>;
  provide(name: string, procedure: (argument: unknown) => unknown): Promise<void>;
  call(name: string, argument: unknown): Promise<unknown>;
  /** All sent before is handled, and what came of it for this program is here. */
  settle(): Promise<void>;
}

async function ours(port: number, codec: Codec = new JsonCodec()): Promise<Program> {
  const { client } = await scene.client(`tcp://127.0.0.1:${port}`, { codec });
  return {
    kind: 'ours',
    async listen(pattern) {
      const bodies = new Collector<unknown>(`bodies on ${pattern}`);
      await client.subscribe(pattern, (message: Message) => bodies.add(message.body));
      return bodies;
    },
    publish: (channel, body, persist = false) => client.publish(channel, body, { persist }),
    async provide(name, procedure) {
      await client.provide(name, procedure);
    },
    call: (name, argument) => client.call(name, argument, { timeout: 5000 }),
    settle: () => client.flush({ timeout: 5000 }),
  };
}

async function theirs(port: number): Promise<Program> {
  const peer = await scene.peer(port);
  return {
    kind: 'theirs',
    async listen(pattern) {
      const bodies = new Collector<unknown>(`bodies on ${pattern}`);
      await peer.subscribe(pattern, ({ body }) => bodies.add(body));
      await peer.roundTrip();
      return bodies;
    },
    publish: (channel, body, persist = false) => peer.publish(channel, body, persist ? { persist } : {}),
    async provide(name, procedure) {
      await peer.provide(name, procedure);
      await peer.roundTrip();
    },
    call: (name, argument) => peer.call(name, argument),
    settle: () => peer.roundTrip(),
  };
}

const bothCodecs = () => [new JsonCodec(), new MsgpackCodec()];
const BROKERS = [
  { broker: 'our broker', start: async () => (await scene.broker()).port, codec: () => new JsonCodec() },
  {
    broker: 'our broker, some of ours in another codec',
    start: async () => (await scene.broker({ codecs: bothCodecs() })).port,
    codec: () => new MsgpackCodec(),
  },
  {
    broker: 'a broker of the peers',
    start: async () => (await scene.foreignServer()).port,
    codec: () => new JsonCodec(),
  },
];

describe.each(BROKERS)('Programs of both kinds on $broker', ({ start, codec }) => {
  async function crowd(): Promise<{ port: number; programs: Program[] }> {
    const port = await start();
    return { port, programs: [await ours(port), await theirs(port), await ours(port, codec()), await theirs(port)] };
  }

  it('all hear all, each speaker in its order', async () => {
    const { programs } = await crowd();
    const heard = await Promise.all(programs.map((program) => program.listen('app/*/said')));
    const count = 25;
    for (let n = 0; n < count; n++) {
      await Promise.all(programs.map((program, who) => program.publish(`app/${who}/said`, { who, n })));
    }
    for (const bodies of heard) {
      const all = await bodies.take(count * programs.length);
      for (const who of programs.keys()) {
        const said = all.filter((body) => (body as { who: number }).who === who);
        expect(said).toEqual(Array.from({ length: count }, (_, n) => ({ who, n })));
      }
    }
    for (const program of programs) await program.settle();
    for (const bodies of heard) expect(bodies.rest).toEqual([]);
  });

  it('all find what any of them had kept', async () => {
    const { programs } = await crowd();
    for (const [who, program] of programs.entries()) {
      await program.publish(`app/kept/${who}`, 'old', true);
      await program.publish(`app/kept/${who}`, who, true);
      await program.settle();
    }
    for (const program of programs) {
      const kept = await program.listen('app/kept/**');
      expect(kept.items).toEqual([0, 1, 2, 3]);
    }
  });

  it('call each other, every caller every provider', async () => {
    const { programs } = await crowd();
    for (const [who, program] of programs.entries()) {
      await program.provide(`app/${who}/add`, (argument) => {
        if (!Array.isArray(argument)) throw new Error('give me a list');
        return argument.reduce((sum: number, one: number) => sum + one, who * 100);
      });
    }
    for (const caller of programs) {
      for (const who of programs.keys()) {
        expect(await caller.call(`app/${who}/add`, [1, 2, 3])).toBe(who * 100 + 6);
        await expect(caller.call(`app/${who}/add`, 'x')).rejects.toThrow('give me a list');
      }
    }
  });

  it('serve the functions for one message and one call', async () => {
    const { port, programs } = await crowd();
    const options = { url: `tcp://127.0.0.1:${port}`, timeout: 5000 };
    const heard = await Promise.all(programs.map((program) => program.listen('app/line')));
    for (const [who, program] of programs.entries()) await program.provide(`app/name/${who}`, () => program.kind);
    await publish('app/line', ['one', { line: true }], options);
    for (const bodies of heard) expect(await bodies.next()).toEqual(['one', { line: true }]);
    const kinds = await Promise.all([...programs.keys()].map((who) => call(`app/name/${who}`, null, options)));
    expect(kinds).toEqual(programs.map(({ kind }) => kind));
  });
});

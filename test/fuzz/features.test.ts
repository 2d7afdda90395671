// Every feature of the protocol, over every transport with bytes: harmless for others, and closed to those who may not.
// The budget is set by environment variables: see budget.ts.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fc, seed } from '../support/fast-check.js';
import type { Authorizer, Broker, BrokerOptions, Client } from 'spoke';
import { ChainAuthenticator, hashToken, TokenAuthenticator } from 'spoke';
import { LIMITS } from '../interop/bad-messages.js';
import { HealthyPair } from '../interop/healthy-pair.js';
import { Scene } from '../interop/scene.js';
import { TemporaryFolder } from '../support/temporary-folder.js';
import { budget, MemoryNote, Tally, TIMEOUT } from './budget.js';
import type { Conversation } from './controls.js';
import { conversation, LAST } from './controls.js';
import type { Stranger } from './wires.js';
import { strangerAt } from './wires.js';

const SECRET = 'what-nobody-else-may-know';
const TOKEN = 'the token of those who belong here';
const auth = { token: TOKEN };

let scene: Scene;
let folder: TemporaryFolder;
let broker: Broker;
let pair: HealthyPair;
/** Sees everything. */
let monitor: Client;
let seen: { readonly channel: string; readonly body: unknown }[];
/** Crashes that were caught, and errors. */
let failures: string[];
let before: Pick<Broker['stats'], 'connections' | 'subscriptions'>;

beforeEach(async () => {
  scene = new Scene();
  folder = await TemporaryFolder.make();
  failures = [];
  seen = [];
});

afterEach(async () => {
  await scene.close();
  await folder[Symbol.asyncDispose]();
});

async function start(options: BrokerOptions): Promise<void> {
  const ignore = () => {};
  const started = await scene.broker({
    listen: ['tcp://127.0.0.1:0', 'ws://127.0.0.1:0', `unix://${folder.path}/socket`],
    limits: { ...LIMITS, keptMessages: 50, subscriptions: 20, holdTime: 200 },
    logger: {
      debug: ignore,
      info: ignore,
      warn: (fields, text) => {
        if (JSON.stringify(fields).includes('HANDLER_FAILED')) failures.push(text);
      },
      error: (fields, text) => failures.push(`${text} ${JSON.stringify(fields)}`),
    },
    ...options,
  });
  ({ broker } = started);
  pair = await HealthyPair.join(scene, started.url, { auth });
  ({ client: monitor } = await scene.client(started.url, { auth }));
  await monitor.subscribe('**', ({ channel, body }) => seen.push({ channel, body }), { bounce: false });
  await monitor.publish('secret/1', SECRET, { persist: true });
  before = { connections: broker.stats.connections, subscriptions: broker.stats.subscriptions };
}

/** Whatever was sent: nobody else noticed, and nothing is left of it. */
async function expectAllIsWell(): Promise<void> {
  await pair.exchange(1);
  for (let n = 0; n < 1000 && broker.stats.connections > before.connections; n++) await pair.exchange(1);
  expect(failures).toEqual([]);
  expect(broker.stats).toMatchObject({ ...before, outboundBytes: 0 });
}

/** Has strangers talk, each over one of the transports, while the healthy pair does. */
async function talk(
  name: string,
  inputs: fc.Arbitrary<Conversation>,
  check: (stranger: Stranger, input: Conversation) => Promise<void>,
): Promise<void> {
  const tally = new Tally(name);
  const memory = new MemoryNote();
  const property = fc.asyncProperty(inputs, fc.nat(2), async (input, transport) => {
    const stranger = await strangerAt(broker.addresses[transport] ?? '');
    const exchanged = pair.exchange(1);
    tally.add(input);
    for (const piece of input.pieces) stranger.send(piece);
    await check(stranger, input);
    await exchanged;
    await stranger.end();
    await expectAllIsWell();
    if (seen.length > 1000) seen.length = 0;
  });
  await fc.assert(property, budget());
  tally.report(`${pair.exchanged} numbered questions answered, none lost; ${memory.text()}; seed ${seed ?? 'free'}`);
  expect(memory.grown).toBeLessThan(64);
}

const heardByItself = (bytes: readonly Buffer[]) => Buffer.concat(bytes).includes(SECRET);

describe('A broker that lets everyone do everything', () => {
  beforeEach(async () => start({}));

  it(
    'answers a stranger that uses all features in any order, and serves all others',
    async () => {
      await talk('features', conversation(false), async (stranger) => {
        await stranger.heard(LAST);
        expect(stranger.ended).toBe(false);
      });
    },
    TIMEOUT,
  );

  it(
    'serves all others when bytes of that are broken, and the stranger breaks off',
    async () => {
      await talk('broken features', conversation(true), async () => {});
    },
    TIMEOUT,
  );
});

/** Of those who have not logged in. */
const mayNot: Authorizer = {
  allows: ({ anonymous }, _action, target) => anonymous !== true || target === 'a' || target.startsWith('a/'),
};
const narrowed: Authorizer = { ...mayNot, allowsSome: () => true };

describe.each([
  ['that allows patterns as a whole', mayNot],
  ['that narrows them', narrowed],
])('A broker with an authorizer %s', (_, authorizer) => {
  beforeEach(async () => {
    const tokens = new TokenAuthenticator({ [hashToken(TOKEN)]: 'owner' });
    await start({ authenticator: new ChainAuthenticator([tokens], { anonymous: true }), authorizer });
  });

  it(
    'tells nothing to those who may not know, and takes nothing from those who may not say it, by whatever feature',
    async () => {
      const check = async (stranger: Stranger) => {
        await monitor.publish('secret/2', SECRET);
        await stranger.heard(LAST);
        expect(heardByItself(stranger.received)).toBe(false);
      };
      await talk('rules', conversation(false), check);
      const foreign = seen.filter(
        ({ channel, body }) => !/^(a(\/|$)|healthy\/|-control\/)/.test(channel) && body !== SECRET,
      );
      expect(foreign).toEqual([]);
      expect((await monitor.kept.get('secret/1'))?.body).toBe(SECRET);
    },
    TIMEOUT,
  );
});

describe('A broker that knows nobody but those with its token', () => {
  beforeEach(async () => start({ authenticator: new TokenAuthenticator({ [hashToken(TOKEN)]: 'owner' }) }));

  it(
    'passes nothing on from a stranger, and nothing to one, whatever it says',
    async () => {
      await talk('nobody', fc.oneof(conversation(false), conversation(true)), async (stranger) => {
        await monitor.publish('secret/2', SECRET);
        await pair.exchange(1);
        expect(heardByItself(stranger.received)).toBe(false);
      });
      const channels = seen.map(({ channel }) => channel).filter((channel) => !/^(healthy|secret)\//.test(channel));
      expect(channels).toEqual([]);
      expect((await monitor.kept.get('secret/1'))?.body).toBe(SECRET);
    },
    TIMEOUT,
  );
});

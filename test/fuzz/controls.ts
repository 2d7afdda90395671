// Conversations with every feature of the protocol, as clients and bridges hold them, and as nobody would.

import { Buffer } from 'node:buffer';
import { fc } from '../support/fast-check.js';
import { JsonCodec } from '../../src/codecs/index.js';
import { MsgpackCodec } from '../../src/codecs/msgpack/index.js';
import type { OutgoingHead } from '../../src/contracts/index.js';
import { BlockSink } from '../../src/link/index.js';
import type { Stream } from './streams.js';

interface Said {
  readonly channel: string;
  readonly body: unknown;
  readonly head?: Readonly<Record<string, unknown>>;
}

const FEATURES = [
  'errors',
  'ping',
  'heartbeat',
  'auth',
  'ack',
  'requests',
  'kept',
  'groups',
  'slow',
  'bridge',
  'closing',
  'calls',
  'presence',
  'will',
  'history',
];

// Of what belongs to others: they must get none of it.
const anyValue = fc.jsonValue({ maxDepth: 2 });
const pattern = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...['**', 'a/*', 'a/**', '*/b', '**/b', 'secret/*', 'secret/**', '-control/**', '*'],
      ...['a/-rpc/**/call', '**/-rpc/**/call', 'secret/-rpc/**/call', '*/-rpc/-x/*/result', '-presence/**'],
    ),
  },
  {
    weight: 1,
    arbitrary: fc.array(fc.constantFrom('**', '*', 'a', ''), { maxLength: 12 }).map((list) => list.join('/')),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 20 }) },
);
const channel = fc.constantFrom(
  'a',
  'a/b',
  'b/a',
  'a/-rpc/x/1/call',
  'a/-rpc/x/1/result',
  'a/-rpc/-x/1/call',
  'a/-rpc/-x/1/result',
  'a/-rpc/-x/1/part',
  'a/-rpc/-x/1/cancel/control',
  'a/-rpc/-x/1/more/control',
  'secret/-rpc/-x/2/call',
  '-presence/watch',
  'secret/1',
  'x//y',
  '**',
  '',
);
const number = fc.oneof(fc.nat(20), fc.constantFrom(-1, 0, 0.5, 1e9, 2 ** 53, 2 ** 60, -0));
const range = fc.oneof(fc.tuple(number, number), anyValue);
const id = fc.oneof(
  fc.tuple(fc.constantFrom('o', 'me', 'x'.repeat(100), '', '__proto__', '~a;b'), number).map(([o, n]) => `${o}:${n}`),
  fc.constantFrom(
    ':',
    'a',
    'a:b',
    'a:1;b:2',
    'a:1;~hash:1',
    ';',
    'a:1:2',
    `${'a'.repeat(500)}:1`,
    'a:99999999999999999999',
  ),
);
const group = fc.constantFrom('g', 'workers', '', 'a/b', '%2f', '*', 'x'.repeat(128), 'x'.repeat(129), '__proto__');

/** Now and then something else stands where something certain is expected. */
const or = (arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 7, arbitrary }, { weight: 1, arbitrary: anyValue });
const record = (members: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<unknown> =>
  or(
    fc.record(Object.fromEntries(Object.entries(members).map(([key, value]) => [key, or(value)])), {
      requiredKeys: [],
    }),
  );
const say = (name: string, body: fc.Arbitrary<unknown>): fc.Arbitrary<Said> =>
  body.map((value) => ({ channel: `-control/${name}`, body: value }));

const text = fc.oneof(
  fc.string({ maxLength: 10 }),
  fc.constantFrom('n', 'nonce', 'x'.repeat(64), 'x'.repeat(5000), '__proto__'),
);
const hello = record({
  nonce: fc.constantFrom('n', 'm', ''),
  features: fc.oneof(fc.constant(FEATURES), fc.subarray(FEATURES), fc.array(anyValue)),
  heartbeat: fc.constantFrom(1000, 15_000, 0, -1, 1e300),
  auth: record({ token: text, user: text, password: text }),
});
const list = (entry: fc.Arbitrary<unknown>) => fc.array(or(entry), { maxLength: 6 });

const controls: readonly fc.Arbitrary<Said>[] = [
  say('hello', hello),
  say('subscribe', or(pattern)),
  say('unsubscribe', or(pattern)),
  say('join', record({ pattern, group })),
  say('leave', record({ pattern, group })),
  say(
    'slow',
    record({ pattern, policy: fc.constantFrom('disconnect', 'drop-oldest', 'latest', 'hold', null, 'none') }),
  ),
  say('will', or(fc.oneof(fc.constant(null), record({ channel, body: anyValue, persist: fc.boolean(), ttl: number })))),
  say('about', record({ name: text, meta: anyValue })),
  say('bye', anyValue),
  say('handled', record({ n: number, done: list(range), again: list(range), more: number })),
  say('waiting', record({ origin: fc.constantFrom('o', 'me', ''), waiting: list(range) })),
  say('interest', record({ set: list(fc.tuple(pattern, number)), unset: list(pattern) })),
  say(
    'interest',
    record({
      set: list(
        fc.tuple(
          group.map((name) => `-control/group/${name}/a`),
          number,
        ),
      ),
      unset: list(pattern),
    }),
  ),
  say('mirror', record({ patterns: list(pattern), far: text, mark: text })),
  say('cleared', record({ cleared: list(fc.tuple(channel, number)) })),
  fc
    .tuple(
      fc.constantFrom('1', 'a-b', '', '*', 'x'.repeat(65), 'a/b'),
      record({
        op: fc.constantFrom(
          ...['kept.list', 'kept.get', 'kept.clear', '__proto__', 'toString'],
          ...['presence.list', 'presence.watch', 'presence.unwatch'],
          ...['history.open', 'history.close', 'history.durables'],
        ),
        n: number,
        from: fc.oneof(fc.constantFrom('start', 'new'), record({ time: number, sequence: number })),
        window: number,
        durable: group,
        pattern,
        channel,
        after: channel,
        limit: number,
        time: number,
        dryRun: fc.boolean(),
      }),
    )
    .map(([n, body]) => ({ channel: `-control/request/${n}`, body })),
  fc
    .tuple(
      fc.constantFrom(
        'ping/a/1',
        'ping/',
        'ping',
        'probe/x',
        'welcome',
        'error',
        'ack',
        'kept',
        'missed',
        'closing',
        'presence',
        'history',
        'reply/1',
      ),
      anyValue,
    )
    .map(([name, body]) => ({ channel: `-control/${name}`, body })),
];

const data: fc.Arbitrary<Said> = fc
  .tuple(
    channel,
    anyValue,
    fc.record(
      {
        '-id': or(id),
        '-group': or(fc.tuple(text, group).map((parts) => parts.join('/'))),
        '-timeout': or(number),
        '-window': or(number),
        '-progress': or(fc.constant(true)),
        '-history': or(fc.constantFrom('n/1/1/1', 'n/0/-1/x', '/')),
        '-ttl': or(fc.constantFrom(0.001, 1, 60, 0, -1, 1e300)),
        persist: or(fc.constant(true)),
        bounce: or(fc.constant(false)),
        time: or(fc.constantFrom(1, 1.5, 1e9)),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([name, body, head]) => ({ channel: name, body, head }));

const said = fc.oneof(...controls.map((arbitrary) => ({ weight: 1, arbitrary })), { weight: 4, arbitrary: data });

/** What a client says at first. */
export const GREETING: Said = { channel: '-control/hello', body: { nonce: 'n', features: FEATURES } };

function json({ channel: name, body, head }: Said): Buffer {
  return Buffer.from(`${JSON.stringify({ head: { channel: name, ...head }, body })}\0`);
}

function msgpack({ channel: name, body, head }: Said): Buffer {
  const sink = new BlockSink();
  const { persist, bounce, time, ...fields } = head ?? {};
  const outgoing: OutgoingHead = {
    channel: name,
    persist: persist === true,
    bounce: bounce !== false,
    ...(typeof time === 'number' && { time }),
    fields,
  };
  return Buffer.from(sink.copyLast(new MsgpackCodec().encode(outgoing, body, sink)));
}

/** What a broker is asked after everything else: it comes back when all before has had its effect. */
export const LAST = '-control/ping/the/last';

export interface Conversation extends Stream {
  readonly codec: string;
}

/** In either codec; with `broken`, a few bytes are other than they should be. */
export function conversation(broken: boolean): fc.Arbitrary<Conversation> {
  const change = fc.tuple(fc.nat(), fc.nat(255));
  const changes = fc.array(change, { maxLength: broken ? 3 : 0 });
  return fc
    .tuple(fc.boolean(), fc.array(said, { minLength: 1, maxLength: 12 }), changes, fc.array(fc.nat(), { maxLength: 4 }))
    .map(([isJson, messages, flips, cuts]) => {
      const encode = isJson ? json : msgpack;
      const all = Buffer.concat([GREETING, ...messages].map(encode));
      // The first bytes say which language it is.
      for (const [where, value] of flips) all[8 + (where % (all.length - 8))] = value;
      const ends = [...cuts.map((cut) => cut % all.length), all.length].toSorted((a, b) => a - b);
      const whole = ends.map((end, i) => all.subarray(ends[i - 1] ?? 0, end)).filter(({ length }) => length > 0);
      const pieces = broken ? whole : [...whole, encode(GREETING), encode({ channel: LAST, body: null })];
      return {
        codec: new (isJson ? JsonCodec : MsgpackCodec)().name,
        pieces,
        toString: () => `${isJson ? 'json' : 'msgpack'} ${JSON.stringify(messages)} ${JSON.stringify(flips)}`,
      };
    });
}

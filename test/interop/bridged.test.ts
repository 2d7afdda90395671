// Programs of the existing network on two brokers with a bridge between them: it goes as on one.

import { afterEach, describe, expect, it } from '@jest/globals';
import { Bridge } from 'spoke';
import { Collector } from '../support/collector.js';
import { tcpWire } from '../support/independent-peer/index.js';
import { Scene } from './scene.js';
import { play, rowsOf, TRANSCRIPTS, withoutTime } from './transcript.js';

const scene = new Scene();
const bridges: Bridge[] = [];
afterEach(async () => {
  for (const bridge of bridges.splice(0)) await bridge.close();
  await scene.close();
});

interface Place {
  readonly port: number;
  readonly url: string;
}

const ours = async (): Promise<Place> => scene.broker();
const theirs = async (): Promise<Place> => scene.foreignServer();

const PAIRS = [
  { pair: 'two brokers of ours', start: [ours, ours], codecs: ['json', 'json'] },
  { pair: 'two brokers of ours, in another codec between them', start: [ours, ours], codecs: ['msgpack', 'msgpack'] },
  { pair: 'ours and theirs', start: [ours, theirs], codecs: ['json', 'json'] },
  { pair: 'theirs and ours', start: [theirs, ours], codecs: ['json', 'msgpack'] },
  { pair: 'two of theirs', start: [theirs, theirs], codecs: ['json', 'json'] },
] as const;

async function join(
  start: readonly (() => Promise<Place>)[],
  [codec1, codec2]: readonly [string, string],
): Promise<readonly Place[]> {
  const places = await Promise.all(start.map((one) => one()));
  const [one, two] = places;
  if (one === undefined || two === undefined) throw new Error('a bridge has two sides');
  const bridge = new Bridge({ url1: one.url, url2: two.url, codec1, codec2 });
  bridges.push(bridge);
  await bridge.start({ timeout: 5000 });
  return places;
}

/**
 * Resolves when what was known on each side is known on the other: a message has gone across, both ways. On channels that
 * raw peers do not tell of.
 */
async function settling(places: readonly Place[]): Promise<() => Promise<void>> {
  const channel = (n: number) => `test/raw-round-trip/settled-${n}`;
  const ends = await Promise.all(
    places.map(async ({ url }, n) => {
      const { client } = await scene.client(url);
      const heard = new Collector<unknown>(`what was sent to side ${n}`);
      await client.subscribe(channel(n), ({ body }) => heard.add(body));
      return { client, heard };
    }),
  );
  let round = 0;
  // Until the bridge has asked for them.
  for (const [n, { client }] of ends.entries()) {
    const other = ends[1 - n];
    while (other !== undefined && other.heard.items.length === 0) {
      await client.publish(channel(1 - n), 0);
      await client.flush();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
  return async () => {
    round++;
    await Promise.all(
      ends.map(async ({ client }, n) => {
        await client.publish(channel(1 - n), round);
        await ends[1 - n]?.heard.takeUntil((body) => body === round);
      }),
    );
  };
}

/** What a message says, apart from its time, and from its id, which programs of the peers ignore. */
function meaning(message: string): unknown {
  const { head, body } = JSON.parse(message) as { head: Record<string, unknown>; body: unknown };
  const { time: _, '-id': __, ...others } = head;
  return { head: others, body };
}

describe.each(PAIRS)('A recorded conversation, its ends on $pair', ({ pair, start, codecs }) => {
  it.each(TRANSCRIPTS)('goes as it did on one broker: %s', async (transcript) => {
    const places = await join(start, codecs);
    const settle = await settling(places);
    let connected = 0;
    const connect = async () => tcpWire(places[connected++ % 2]?.port ?? 0);
    const conversation = await play(rowsOf(transcript), connect, undefined, settle);
    for (const [connection, { recorded, played }] of conversation) {
      expect({ connection, messages: played.map(meaning) }).toEqual({ connection, messages: recorded.map(meaning) });
      // And byte for byte where nobody has to write it anew.
      if (pair === 'two brokers of ours') expect(played.map(withoutTime)).toEqual(recorded.map(withoutTime));
    }
  });
});

describe.each(PAIRS)('Clients of the peers on $pair', ({ start, codecs }) => {
  it('call each other, find what is kept, and hear each other in order', async () => {
    const places = await join(start, codecs);
    const settle = await settling(places);
    const [a, b] = await Promise.all(places.map(({ port }) => scene.peer(port)));
    if (a === undefined || b === undefined) throw new Error('there are two');
    await a.provide('math/square', (x) => Number(x) ** 2);
    await b.provide('math/fail', () => {
      throw new Error('out of paper');
    });
    await a.roundTrip();
    await b.roundTrip();
    await settle();
    expect(await b.call('math/square', 7)).toBe(49);
    await expect(a.call('math/fail')).rejects.toThrow('out of paper');

    await a.publish('app/kept', { at: 'a' }, { persist: true });
    await a.roundTrip();
    await settle();
    await b.subscribe('app/**');
    await b.until(() => b.delivered.some(({ channel }) => channel === 'app/kept'), 'what is kept');
    await settle();
    for (let n = 0; n < 50; n++) await a.publish('app/live', n);
    const live = () => b.delivered.filter(({ channel }) => channel === 'app/live').map(({ body }) => body);
    await b.until(() => live().length >= 50, 'fifty messages');
    await settle();
    expect(live()).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect([...a.complaints, ...b.complaints]).toEqual([]);
  });
});

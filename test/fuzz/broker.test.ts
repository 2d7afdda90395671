// The budget is set by environment variables: see budget.ts.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fc } from '../support/fast-check.js';
import type { Broker, Codec } from 'spoke';
import { JsonCodec } from 'spoke';
import { MsgpackCodec } from '../../src/codecs/msgpack/index.js';
import { LIMITS } from '../interop/bad-messages.js';
import { HealthyPair } from '../interop/healthy-pair.js';
import { Scene } from '../interop/scene.js';
import type { RawPeer } from '../support/independent-peer/index.js';
import { budget, Tally, TIMEOUT } from './budget.js';
import type { Stream } from './streams.js';
import { msgpackStream, stream } from './streams.js';

const HELLO = '{"head": {"channel": "-control/hello"}, "body": {"nonce": "n", "features": ["errors", "ping"]}}\0';

interface Setting {
  readonly name: string;
  readonly codecs: () => readonly Codec[];
}
const SETTINGS: readonly Setting[] = [
  { name: 'that speaks JSON', codecs: () => [new JsonCodec()] },
  { name: 'that speaks JSON and msgpack', codecs: () => [new JsonCodec(), new MsgpackCodec()] },
];

describe.each(SETTINGS)('A broker $name, whatever bytes a stranger sends it', ({ codecs }) => {
  const scene = new Scene();
  /** Handlers that threw: crashes that were caught. */
  const failures: string[] = [];
  /** Why connections were closed by the broker. */
  const reasons: string[] = [];
  let broker: Broker;
  let port: number;
  let pair: HealthyPair;
  /** Subscribed to everything. */
  let monitor: RawPeer;
  let connections: number;
  let subscriptions: number;

  beforeAll(async () => {
    const ignore = () => {};
    const note = (fields: object, text: string) => {
      (JSON.stringify(fields).includes('HANDLER_FAILED') ? failures : reasons).push(text);
    };
    const started = await scene.broker({
      codecs: codecs(),
      limits: { ...LIMITS, keptMessages: 50, subscriptions: 20, logLines: 1e9 },
      logger: { debug: ignore, info: ignore, warn: note, error: (_fields, text) => failures.push(text) },
    });
    ({ broker, port } = started);
    pair = await HealthyPair.join(scene, started.url);
    monitor = await scene.raw(port);
    monitor.subscribe('**');
    await monitor.roundTrip();
    ({ connections, subscriptions } = broker.stats);
  });

  afterAll(async () => {
    await scene.close();
  });

  /** Whatever was sent: nobody else noticed, and everyone could read what was passed on. */
  async function expectAllIsWell(): Promise<void> {
    await pair.exchange(1);
    await monitor.roundTrip();
    expect(failures).toEqual([]);
    expect(monitor.complaints).toEqual([]);
    for (const message of monitor.messages.splice(0)) expect(() => void JSON.parse(message)).not.toThrow();
    for (let n = 0; n < 1000 && broker.stats.connections > connections; n++) await pair.exchange(1);
    expect(broker.stats).toMatchObject({ connections, subscriptions, outboundBytes: 0 });
  }

  it(
    'serves all others, and the stranger as well once its last message has ended',
    async () => {
      const tally = new Tally('strangers that stay');
      const property = fc.asyncProperty(stream('client'), fc.boolean(), async (input: Stream, greets) => {
        const stranger = await scene.raw(port);
        const exchanged = pair.exchange(1);
        // What comes first says which language is spoken; from then on nothing can end the connection.
        stranger.send(greets ? HELLO : '{}\0');
        tally.add(input);
        for (const piece of input.pieces) {
          stranger.send(piece);
        }
        stranger.send(Uint8Array.of(0));
        await stranger.roundTrip();
        expect(stranger.complaints).toEqual([]);
        await exchanged;
        await stranger.end();
        await expectAllIsWell();
      });
      await fc.assert(property, budget());
      tally.report();
    },
    TIMEOUT,
  );

  it(
    'serves all others, and a stranger that begins with it as well, or closes its connection with a reason',
    async () => {
      const tally = new Tally('strangers that begin');
      const any = fc.oneof(stream('client'), msgpackStream());
      const property = fc.asyncProperty(any, async (input: Stream) => {
        const stranger = await scene.raw(port);
        const exchanged = pair.exchange(1);
        reasons.length = 0;
        tally.add(input);
        for (const piece of input.pieces) {
          stranger.send(piece);
        }
        const [first] = input.pieces[0] ?? [];
        if (first !== undefined && first !== 0 && !isForeign(input)) {
          stranger.send(Uint8Array.of(0));
          await stranger.roundTrip();
        } else {
          // Another language, or none: it may wait for more, or be closed.
          await pair.exchange(1);
          if (stranger.ended) expect(reasons).not.toEqual([]);
        }
        await exchanged;
        await stranger.end();
        await expectAllIsWell();
      });
      await fc.assert(property, budget());
      tally.report();
    },
    TIMEOUT,
  );

  it(
    'serves all others when strangers talk at once and break off anywhere',
    async () => {
      const tally = new Tally('strangers that break off');
      const many = fc.array(fc.oneof(stream('client'), msgpackStream()), { minLength: 2, maxLength: 4 });
      const property = fc.asyncProperty(many, fc.boolean(), async (inputs: Stream[], resets) => {
        const strangers = await Promise.all(inputs.map(() => scene.raw(port)));
        const exchanged = pair.exchange(1);
        for (const input of inputs) tally.add(input);
        for (let turn = 0; turn < 7; turn++) {
          for (const [who, stranger] of strangers.entries()) {
            const piece = inputs[who]?.pieces[turn];
            if (piece === undefined) continue;
            stranger.send(piece);
          }
        }
        await Promise.all(strangers.map((stranger) => (resets ? stranger.reset() : stranger.end())));
        await exchanged;
        for (const [who, { complaints }] of strangers.entries()) {
          // Those who began in the other language are answered in it.
          if (inputs[who]?.pieces[0]?.[0] !== 0) expect(complaints).toEqual([]);
        }
        await expectAllIsWell();
      });
      await fc.assert(property, budget());
      tally.report();
    },
    TIMEOUT,
  );
});

// A stream that begins as another protocol does is turned away.
function isForeign({ pieces }: Stream): boolean {
  const start = Buffer.concat(pieces).toString('latin1', 0, 8);
  return start.startsWith('\u0016\u0003') || /^[A-Z]+ /.test(start);
}

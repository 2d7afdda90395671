// Bounds that no option changes (docs/limits.md#notes): who goes past one is told, the rest goes on.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { Broker } from '../../../src/broker/index.js';
import { parse, type RawConnection } from '../../support/raw-connection.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
let broker: Broker;
let logger: RecordingLogger;
let raw: RawConnection;
beforeEach(async () => {
  ({ stage, clock } = memoryStage());
  logger = new RecordingLogger();
  broker = await stage.broker({ logger });
  raw = await stage.raw();
  const features = ['errors', 'groups', 'presence', 'will', 'calls', 'requests'];
  raw.publish('-control/hello', JSON.stringify({ nonce: '1', features }));
  await raw.next();
});
afterEach(async () => stage.close());

const said = (channel: string) =>
  raw.frames.items
    .map(parse)
    .filter(({ head }) => head.channel === channel)
    .map(({ body }) => body);

describe('a client that goes past a bound', () => {
  it.each([
    ['a group with a name of 129 letters', '-control/join', { pattern: 'x', group: 'g'.repeat(129) }],
    ['4,096 bytes and more of what it says of itself', '-control/about', { name: 'n', meta: 'm'.repeat(4096) }],
    ['a will of more than 64 KiB', '-control/will', { channel: 'x', body: 'w'.repeat(65_536) }],
  ])('by %s is told, once, and logged and counted; its connection goes on', async (_, channel, body) => {
    raw.publish(channel, JSON.stringify(body));
    await raw.flush();
    await clock.idle();
    expect(said('-control/error')).toMatchObject([{ code: expect.stringMatching(/MALFORMED|LIMIT_EXCEEDED/) }]);
    expect(broker.stats.refused).toBe(1);
    expect(logger.lines.warn).toHaveLength(1);
    expect(raw.isClosed).toBe(false);
  });

  it('by a call more than 100,000 in flight is told, and those before it wait on', async () => {
    const provider = await stage.raw();
    provider.subscribe('slow/-rpc/**/call');
    await provider.flush();
    provider.connection.pause();
    for (let n = 1; n <= 100_001; n++) {
      raw.publish(`slow/-rpc/-me/${n}/call`, '1');
      if (n % 5000 === 0) await raw.flush();
    }
    await raw.flush();
    await clock.idle();
    expect(said('slow/-rpc/-me/100001/result')).toMatchObject([{ code: 'LIMIT_EXCEEDED', by: 'broker' }]);
    expect(said('slow/-rpc/-me/100000/result')).toEqual([]);
  });

  it('by more than 100 patterns is shown with the first hundred of them', async () => {
    for (let n = 0; n < 120; n++) raw.subscribe(`p/${n}`);
    await raw.flush();
    const [entry] = broker.presence.list();
    expect(entry?.patterns).toHaveLength(100);
    expect(entry?.subscriptions).toBeGreaterThanOrEqual(120);
  });
});

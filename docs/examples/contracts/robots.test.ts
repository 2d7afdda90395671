import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { SpokeError } from 'spoke';
import type { MemoryNetwork } from 'spoke/testing';
import { memoryNetwork } from 'spoke/testing';

import { describeRobot, robot, Station } from './robots.js';

let net: MemoryNetwork;
let station: Station;
let errors: SpokeError[];
beforeEach(async () => {
  net = memoryNetwork({ seed: 6 });
  await net.broker();
  for (const id of ['r2', 'c3']) await robot(await net.client(), id);
  const client = await net.client();
  errors = [];
  client.on('error', (error) => errors.push(error));
  station = new Station(client);
  await station.start();
});
afterEach(async () => net.close());

describe('a station', () => {
  it('knows where robots are, and sends them elsewhere', async () => {
    expect(await station.send('r2', { x: 3, y: 4 })).toBe(5);
    await net.idle();
    expect(Object.fromEntries(station.places)).toEqual({ r2: { x: 3, y: 4 }, c3: { x: 0, y: 0 } });
    await station.send('c3', { x: 0, y: 200 });
    await net.idle();
    expect(station.complaints).toEqual(['c3, battery: that was far']);
  });

  it('is not misled by a program that does not keep to the contract, and is told of it', async () => {
    const other = await net.client();
    await other.publish('robots/r2/pose', 'somewhere');
    await net.idle();
    expect(station.places.get('r2')).toEqual({ x: 0, y: 0 });
    expect(errors).toMatchObject([{ code: 'VALIDATION', details: { where: 'robots/r2/pose' } }]);
    await expect(station.send('r2', { x: 1 } as never)).rejects.toMatchObject({ code: 'VALIDATION' });
  });

  it('has its robots described for others', () => {
    const { channels } = describeRobot();
    expect(Object.values(channels).map(({ address }) => address)).toEqual([
      'robots/{id}/pose',
      'robots/{id}/complaints/{part}',
      'robots/{id}/drive/goTo/-rpc/{caller}/{number}/call',
      'robots/{id}/drive/goTo/-rpc/{caller}/{number}/result',
      'robots/{id}/drive/stop/-rpc/{caller}/{number}/call',
      'robots/{id}/drive/stop/-rpc/{caller}/{number}/result',
    ]);
  });
});

import { afterEach, expect, it } from '@jest/globals';
import type { Message } from 'spoke';
import type { MemoryNetwork } from 'spoke/testing';
import { memoryNetwork } from 'spoke/testing';
import { startThermostat } from './thermostat.js';

let net: MemoryNetwork;

afterEach(async () => net.close());

it('heats the rooms that are cold', async () => {
  net = memoryNetwork();
  await net.broker();
  await startThermostat(await net.client(), 20);
  const sensor = await net.client();
  const heating: Message[] = [];
  await sensor.subscribe('heating/*', (message) => heating.push(message));

  await sensor.publish('sensors/kitchen/temp', 17.5);
  await sensor.publish('sensors/bath/temp', 23);
  await net.idle(); // everything has happened that happens without time passing

  expect(heating.map(({ channel, body }) => [channel, body])).toEqual([
    ['heating/kitchen', true],
    ['heating/bath', false],
  ]);
});

it('goes on after the broker was away for a minute', async () => {
  net = memoryNetwork({ seed: 7 });
  const broker = await net.broker({ name: 'hub' });
  await startThermostat(await net.client({ to: 'hub' }), 20);

  await net.crash(broker);
  await net.advance('1 min'); // virtual: the test takes milliseconds
  await net.broker({ name: 'hub' });
  await net.advance('10 s');

  const late = await net.client({ to: 'hub' });
  await late.publish('sensors/kitchen/temp', 17.5);
  await net.idle();
  const heating: Message[] = [];
  await late.subscribe('heating/*', (message) => heating.push(message));
  expect(heating.map(({ body }) => body)).toEqual([true]);
});

import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Container } from 'inversify';
import { Broker, Client, Handlers, TOKENS } from 'spoke';
import { heatingContainer } from './heating.js';

let container: Container;
let remote: Client;

beforeEach(async () => {
  container = heatingContainer({ listen: 'memory://home', url: 'memory://home' });
  await container.getAsync(Broker); // in the test, broker and application are one program
  await container.getAsync(Handlers);
  remote = new Client({ url: 'memory://home', transports: container.getAll(TOKENS.Transport) });
  await remote.connect();
});

afterEach(async () => {
  await remote.close();
  await container.unbindAllAsync();
});

it('is told what to do by calls', async () => {
  await remote.call('heating/set', { room: 'bath', degrees: 24 });
  expect(await remote.call('heating/target', 'bath')).toBe(24);
  await expect(remote.call('heating/set', { room: 'bath', degrees: 90 })).rejects.toThrow('90 is too much');
  await remote.call('heating/set', { room: 'cellar', degrees: 12 });
  expect(await remote.call('comfort/cold', 'cellar')).toBe(true);
});

it('reacts to measurements', async () => {
  const valves = remote.messages('valves/*')[Symbol.asyncIterator]();
  const opened = valves.next();
  await remote.flush();
  await remote.publish('sensors/kitchen/temp', 17.5);
  expect(await opened).toMatchObject({ value: { channel: 'valves/kitchen', body: true } });
  await valves.return(undefined);
});

import { expect, it } from '@jest/globals';
import { memoryNetwork } from 'spoke/testing';

import { orderedSince, startShipping } from './orders.js';

it('every order is shipped, though nobody was there when it came and a broker is killed', async () => {
  await using net = memoryNetwork();
  net.engine.keepHistory({ pattern: 'orders/**', maxAge: 7 * 24 * 3_600_000 });
  const broker = await net.broker({ name: 'a', cluster: true });
  await net.broker({ name: 'b', cluster: true });
  const shop = await net.client({ to: 'b' });
  for (let n = 1; n <= 3; n++) await net.until(shop.publish('orders/books', n, { ack: true }));
  const noon = new Date(net.clock.now() + 1000);
  await net.advance('1 min');

  const shipped: unknown[] = [];
  const ship = async (order: unknown): Promise<void> => void shipped.push(order);
  const worker = await net.client({ to: 'a' });
  await net.until(startShipping(worker, ship));
  await net.idle();
  expect(shipped).toEqual([1, 2, 3]);

  await net.crash(broker);
  await net.until(shop.publish('orders/books', 4, { ack: true }));
  await net.broker({ name: 'a', cluster: true });
  await net.advance('1 min');
  expect(shipped).toEqual([1, 2, 3, 4]);
  expect(await net.until(orderedSince(shop, noon))).toEqual([4]);
});

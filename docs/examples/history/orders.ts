// Orders are shipped, each at least once, whoever was away when they came; and what was ordered can be looked up.

import type { Client } from 'spoke';

/** Ships orders until it is told to stop. Several of these share them. */
export async function startShipping(
  client: Client,
  ship: (order: unknown) => Promise<void>,
): Promise<() => Promise<void>> {
  const orders = await client.subscribe('orders/*', ({ body }) => ship(body), { durable: 'shipping', from: 'start' });
  return () => orders.unsubscribe();
}

/** What was ordered since a moment. */
export async function orderedSince(client: Client, from: Date): Promise<unknown[]> {
  const orders: unknown[] = [];
  for await (const { body } of client.history('orders/*', { from })) orders.push(body);
  return orders;
}

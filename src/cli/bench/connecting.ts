// Connections of one thread. When one of them ends, or the broker refuses something, the measurement is over.

import type { RpcClient } from '../../rpc/index.js';
import { makeClient } from '../client.js';
import type { Task } from './messages.js';

/** @param fail - called with what went wrong. */
export async function connectAll(
  { broker }: Task,
  count: number,
  fail: (error: unknown) => void,
): Promise<readonly RpcClient[]> {
  const clients: RpcClient[] = [];
  for (let i = 0; i < count; i++) {
    const client = await makeClient(broker, { reconnect: false, callTimeout: Infinity });
    client.on('error', fail);
    client.on('state', (_state, error) => {
      if (error !== undefined) fail(error);
    });
    await client.connect();
    clients.push(client);
  }
  return clients;
}

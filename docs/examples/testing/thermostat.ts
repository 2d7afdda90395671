// A small application, as it might be yours: it turns the heating on when a room is cold.

import type { Client } from 'spoke';

/** Starts it on a client; resolves when it is listening. */
export async function startThermostat(client: Client, target: number): Promise<void> {
  await client.subscribe('sensors/*/temp', async ({ channel, body }) => {
    const room = channel.split('/')[1];
    if (typeof body === 'number') await client.publish(`heating/${room}`, body < target, { persist: true });
  });
}

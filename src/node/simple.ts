// One line for one message: connect, act, close.

import type { PublishOptions, WaitOptions } from '../client/index.js';
import type { CallOptions } from '../rpc/index.js';
import type { ClientOptions } from './client.js';
import { Client } from './client.js';
import { publishHandled } from './publish-handled.js';

export type OneShotPublishOptions = ClientOptions & WaitOptions & Omit<PublishOptions, 'signal'>;
export type OneShotCallOptions = ClientOptions & CallOptions;

/**
 * Connects, publishes one message, waits until the broker has handled it, and closes.
 * @param options - where to connect, how to publish, and `timeout` (milliseconds) or `signal` for all of it.
 * @throws as `Client.connect`, `client.publish` and `client.flush`; the broker's code when it refuses the message.
 */
export async function publish(channel: string, body?: unknown, options: OneShotPublishOptions = {}): Promise<void> {
  const { persist, bounce, time, head, timeout, signal, ...connection } = options;
  const deadline = deadlineOf(timeout);
  const client = await Client.connect({ ...connection, ...deadline(), ...(signal !== undefined && { signal }) });
  try {
    const message = {
      ...(persist !== undefined && { persist }),
      ...(bounce !== undefined && { bounce }),
      ...(time !== undefined && { time }),
      ...(head !== undefined && { head }),
    };
    await publishHandled(client, channel, body, message, { ...deadline(), ...(signal !== undefined && { signal }) });
  } finally {
    await client.close();
  }
}

/**
 * Connects, calls a procedure, and closes.
 * @param options - where to connect, and `timeout` (milliseconds) or `signal` for all of it. Default timeout 30,000.
 * @throws as `Client.connect` and `client.call`.
 */
export async function call<R = unknown>(
  name: string,
  argument?: unknown,
  options: OneShotCallOptions = {},
): Promise<R> {
  const { timeout = 30_000, signal, ...connection } = options;
  const deadline = deadlineOf(timeout);
  const client = await Client.connect({ ...connection, ...deadline(), ...(signal !== undefined && { signal }) });
  try {
    return await client.call<R>(name, argument, { timeout, ...deadline(), ...(signal !== undefined && { signal }) });
  } finally {
    await client.close();
  }
}

// One timeout for several steps: each gets what the ones before it left, and at least a moment.
function deadlineOf(timeout: number | undefined): () => { timeout?: number } {
  if (timeout === undefined || timeout === Infinity) return () => ({});
  const end = performance.now() + timeout;
  return () => ({ timeout: Math.max(1, end - performance.now()) });
}

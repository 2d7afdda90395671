// One message, and certainty about it.

import type { BaseClient, PublishOptions, WaitOptions } from '../client/index.js';
import { waitFor } from '../client/index.js';
import type { SpokeError } from '../contracts/index.js';
import { systemClock } from '../link/index.js';

/**
 * Publishes a message on a client that does nothing else meanwhile, and resolves when the broker has handled it.
 * @throws as `client.publish` and `client.flush`; the broker's code when it refused the message and can say so.
 */
export async function publishHandled(
  client: BaseClient,
  channel: string,
  body: unknown,
  options: PublishOptions,
  limits: WaitOptions,
): Promise<void> {
  let refusal: SpokeError | undefined;
  const stop = client.on('error', (error) => (refusal ??= error));
  try {
    const answered = client.publish(channel, body, { ...options, ack: true });
    await waitFor(answered, limits, systemClock, () => `${client.url} did not confirm the message`);
    // With an answer there is nothing more to wait for.
    if (!client.features.has('ack')) await client.flush(limits);
  } finally {
    stop();
  }
  if (refusal !== undefined) throw refusal;
}

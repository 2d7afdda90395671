// The client of a command: what `Client` of the library is, with no more of it loaded than this address and codec need. All of
// it would take a command longer than what it does (docs/decisions/014-start-up.md).

import type { About, BackoffOptions } from '../client/index.js';
import { JsonCodec } from '../codecs/json/index.js';
import type { Address, ClientCodec, Transport } from '../contracts/index.js';
import { brokersAt, onNode } from '../node/platform.js';
import { FullClient } from '../node/full-client.js';
import { TcpTransport } from '../transports/tcp/transport.js';
import type { ConnectionOptions } from './arguments.js';
import { loginOf, requireNoSecret } from './arguments.js';

/**
 * Does not connect yet.
 * @throws {SpokeError} `ADDRESS_INVALID`, `UNKNOWN_SCHEME`, `UNKNOWN_CODEC`.
 */
export async function makeClient(
  given: ConnectionOptions,
  options: {
    readonly reconnect?: BackoffOptions | false;
    readonly callTimeout?: number;
    readonly about?: About;
  } = {},
): Promise<FullClient> {
  const { url, codec } = given;
  for (const one of url ?? []) requireNoSecret(one);
  const { addresses, ...fromElsewhere } = brokersAt(url);
  const auth = await loginOf(given);
  return new FullClient({
    ...onNode(addresses, await transportsFor(addresses)),
    codec: await codecOf(codec),
    ...fromElsewhere,
    ...(auth !== undefined && { auth }),
    ...options,
  });
}

async function transportsFor(addresses: readonly Address[]): Promise<Transport[]> {
  if (addresses.every(({ scheme }) => scheme === 'tcp')) return [new TcpTransport()];
  const { nodeTransports } = await import('../transports/node.js');
  return nodeTransports();
}

async function codecOf(name = 'json'): Promise<ClientCodec> {
  if (name === 'json') return new JsonCodec();
  const [{ findCodec }, { defaultCodecs }] = await Promise.all([
    import('../codecs/index.js'),
    import('../node/defaults.js'),
  ]);
  return findCodec(defaultCodecs(), name);
}

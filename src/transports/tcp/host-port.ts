// Host and port: what an address means by them, and what the system says they are.

import type { Server, Socket } from 'node:net';
import type { Address } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { formatAddress } from '../address.js';

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** Longer than this a connection may be silent before the system asks whether the other machine is still there. */
const KEEP_ALIVE_DELAY = 30_000;

/**
 * For sockets and servers. Messages leave at once (they are coalesced a floor above); a machine that is gone is found out
 * in minutes; each direction ends on its own.
 */
export const SOCKET_OPTIONS = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: KEEP_ALIVE_DELAY,
} as const;

/** @throws {SpokeError} `ADDRESS_INVALID` for a path, or for port 0 where one cannot be chosen. */
export function hostAndPort(address: Address, defaults: HostAndPort, direction: 'connect' | 'listen'): HostAndPort {
  const { href, host, port = defaults.port, path } = address;
  if (path.length > 1) {
    throw new SpokeError('ADDRESS_INVALID', `${href}: a ${address.scheme} address ends with its port; it has no path`);
  }
  if (port === 0 && direction === 'connect') {
    throw new SpokeError('ADDRESS_INVALID', `${href}: port 0 cannot be connected to`);
  }
  return { host: host || defaults.host, port };
}

/** @throws {SpokeError} `ADDRESS_INVALID` for a parameter that is not among these. */
export function requireParams(address: Address, known: readonly string[]): void {
  for (const name of address.params.keys()) {
    if (known.includes(name)) continue;
    const others = known.length === 0 ? 'none' : known.join(', ');
    const text = `${address.href}: a ${address.scheme} address has no parameter ${JSON.stringify(name)} (known: ${others})`;
    throw new SpokeError('ADDRESS_INVALID', text);
  }
}

/** Where a server really listens. */
export function boundTo(server: Server, asked: HostAndPort): HostAndPort {
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : asked;
}

/** The other side of a socket as an address. */
export function remoteAddress(scheme: string, socket: Socket): string {
  const { remoteAddress: host, remotePort: port } = socket;
  // Both are missing when the other side is gone already.
  return formatAddress({ scheme, host: host ?? 'unknown', ...(port !== undefined && { port }) });
}

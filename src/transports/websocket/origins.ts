// Which web pages may connect. A browser lets any page of any site open a WebSocket to this machine or network, and says
// only which site it came from: to be checked here, or a broker without passwords is open to the whole web.

import type { IncomingMessage } from 'node:http';
import { hostname } from 'node:os';

/** Sites as browsers name them (`https://app.example`, `null` for a page from a file), or `*` for all. */
export type Origins = '*' | readonly string[];

/**
 * Whether whoever sends this request may connect. Programs that are no browsers send no origin, and may.
 * @param allowed - `undefined`: pages that come from the same host, whatever their port.
 */
export function mayConnect(request: IncomingMessage, allowed: Origins | undefined): boolean {
  const origin = originOf(request);
  if (origin === undefined || allowed === '*') return true;
  if (allowed !== undefined) return allowed.includes(origin);
  const page = hostIn(origin);
  const asked = hostIn(`http://${request.headers.host ?? ''}`);
  if (page === undefined || asked === undefined) return false;
  if (isLoopback(page)) return isLoopback(asked);
  // A foreign site can have its own name lead to this machine (DNS rebinding), and then page and host agree.
  return page === asked && (isOwnName(page) || !isLoopback(request.socket.localAddress ?? ''));
}

/** The site of the page that sent the request. */
export function originOf({ headers }: IncomingMessage): string | undefined {
  const origin = headers.origin ?? headers['sec-websocket-origin'];
  return typeof origin === 'string' ? origin : undefined;
}

function hostIn(url: string): string | undefined {
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  return host === '' ? undefined : host.replace(/^\[|\]$/g, '');
}

// Debian, for one, has a machine's own name lead to 127.0.1.1.
function isOwnName(host: string): boolean {
  const own = hostname().toLowerCase();
  return host === own || host === `${own}.local`;
}

function isLoopback(host: string): boolean {
  return (
    host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(host)
  );
}

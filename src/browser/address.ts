// Where a page finds its broker. Like `parseAddress` of src/transports, in less code and with fewer hints in its errors.

import type { Address } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { DEFAULT_WEB_PORT } from '../transports/endpoint.js';

// Not by the URL class: older browsers do not look into URLs of a scheme they do not know, and it drops a port that is the
// usual one of its scheme, which is not ours. Scheme, host, port, path, parameters.
const PARTS = /^([a-z][a-z\d+.-]*):\/\/(\[[\da-f:.]+\]|[^\s/?#:@[\]]*)(?::(\d{1,5}))?(\/[^?#]*)?(?:\?([^#]*))?$/i;

/**
 * The URL of the broker beside a page. Pages from files have no host: for them it is this machine.
 * @param location - the page's `location`, or whatever stands in its place.
 */
export function pageUrl(location: unknown): string {
  const { protocol, hostname }: { readonly protocol?: unknown; readonly hostname?: unknown } =
    typeof location === 'object' && location !== null ? location : {};
  const host = typeof hostname === 'string' ? hostname : '';
  return `${protocol === 'https:' ? 'wss' : 'ws'}://${host || 'localhost'}:${DEFAULT_WEB_PORT}`;
}

/** @throws {SpokeError} `ADDRESS_INVALID` */
export function readAddress(href: string): Address {
  try {
    const [, scheme, host = '', port, path = '', query = ''] = PARTS.exec(href) ?? [];
    if (scheme === undefined) throw new SyntaxError('not the parts of an address');
    return {
      href,
      scheme: scheme.toLowerCase(),
      // An IPv6 host without its brackets.
      host: decodeURIComponent(host.replace(/[[\]]/g, '')),
      port: port === undefined ? undefined : Number(port),
      path: decodeURIComponent(path),
      params: new Map(new URLSearchParams(query.replaceAll('+', '%2B'))),
    };
  } catch (cause) {
    throw new SpokeError('ADDRESS_INVALID', `${href.replace(/:.*@/, '')} is no address like wss://host:7182/path`, {
      cause,
    });
  }
}

// Where a page finds its broker. Like `parseAddress` of src/transports, in less code and with fewer hints in its errors.

import type { Address } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { DEFAULT_WEB_PORT } from '../transports/endpoint.js';

/** Scheme, host, port, path, parameters. */
const PARTS = /^([a-z][a-z0-9+.-]*):\/\/(\[[\da-f:.]+\]|[^\s/?#:@[\]]*)(?::(\d{1,5}))?(\/[^?#]*)?(?:\?([^#]*))?$/i;

/** For pages from files, which have no host, and for workers that have no address. */
const LOCAL_HOST = 'localhost';

/**
 * The URL of the broker beside a page.
 * @param location - the page's `location`, or whatever stands in its place.
 */
export function pageUrl(location: unknown): string {
  const parts: { readonly protocol?: unknown; readonly hostname?: unknown } =
    typeof location === 'object' && location !== null ? location : {};
  const { protocol, hostname } = parts;
  const host = typeof hostname === 'string' && hostname !== '' ? hostname : LOCAL_HOST;
  // An IPv6 host has its brackets already.
  return `${protocol === 'https:' ? 'wss' : 'ws'}://${host}:${DEFAULT_WEB_PORT}`;
}

/** @throws {SpokeError} `ADDRESS_INVALID` */
export function readAddress(url: string): Address {
  try {
    const [, scheme, host = '', port, path = '', query = ''] = PARTS.exec(url) ?? [];
    if (scheme === undefined) throw new SyntaxError('it should look like wss://host:7182/path');
    return {
      href: url,
      scheme: scheme.toLowerCase(),
      host: decodeURIComponent(host.replace(/^\[|\]$/g, '')),
      port: port === undefined ? undefined : Number(port),
      path: decodeURIComponent(path),
      params: new Map(query.split('&').flatMap(readParameter)),
    };
  } catch (cause) {
    throw new SpokeError('ADDRESS_INVALID', `${url} is not an address: ${String(cause)}`, { cause });
  }
}

function readParameter(text: string): [string, string][] {
  const [name = '', ...value] = text.split('=');
  return text === '' ? [] : [[decodeURIComponent(name), decodeURIComponent(value.join('='))]];
}

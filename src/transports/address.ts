// URLs of endpoints, taken apart and put together. WHATWG's URL class refuses `tcp://:7181`, so this is our own.

import type { Address, Credentials } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';

/** What an address is made of; everything but the scheme may be left out. */
export type AddressParts = Pick<Address, 'scheme'> & Partial<Omit<Address, 'scheme' | 'href'>>;

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
// Up to the last @, which whatever it is that stands before it is not to be shown.
const LOGIN = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)@([^]*)$/i;
const SECRET = /(:\/\/|^)[^]*@/;
const AUTHORITY_END = /[/?#]/;
const IPV6 = /^[0-9a-f:.]*:[0-9a-f:.]*(%[\w.~-]+)?$/i;
const MAX_PORT = 65_535;

/**
 * Takes `scheme://host:port/path?name=value` apart. Host, path and parameters are percent-decoded; an IPv6 host stands in
 * brackets (`tcp://[::1]:7181`). Whether a host, port or path makes sense is for the transport to say.
 * @throws {SpokeError} `ADDRESS_INVALID`
 */
export function parseAddress(url: string): Address {
  const scheme = SCHEME.exec(url);
  if (scheme?.[1] === undefined) throw invalid(url, withoutScheme(url));
  if (url.includes('#')) throw invalid(url, 'it has a fragment; write a # that is part of a name as %23');

  const rest = url.slice(scheme[0].length);
  const authorityEnd = rest.search(AUTHORITY_END);
  const authority = authorityEnd < 0 ? rest : rest.slice(0, authorityEnd);
  const afterAuthority = authorityEnd < 0 ? '' : rest.slice(authorityEnd);
  const question = afterAuthority.indexOf('?');
  const path = question < 0 ? afterAuthority : afterAuthority.slice(0, question);

  return {
    href: url,
    scheme: scheme[1].toLowerCase(),
    ...splitAuthority(url, authority),
    path: decode(url, path),
    params: parseParams(url, question < 0 ? '' : afterAuthority.slice(question + 1)),
  };
}

/** The URL of these parts, percent-encoded where it must be; `parseAddress` gives the same parts back. */
export function formatAddress(parts: AddressParts): string {
  const { scheme, host = '', port, path = '', params } = parts;
  const authority = host.includes(':') ? `[${host.replace('%', '%25')}]` : encodeURIComponent(host);
  const query = [...(params ?? [])].map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  return (
    `${scheme}://${authority}${port === undefined ? '' : `:${port}`}` +
    encodeURI(path).replace(/[?#]/g, encodeURIComponent) +
    (query.length === 0 ? '' : `?${query.join('&')}`)
  );
}

/** Whether it can be the port of an endpoint; 0 asks for any free one. */
export function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_PORT;
}

/** Whether it is an IPv6 address, without brackets, with or without a zone. Not in every detail: the system has the last word. */
export function isIpv6(host: string): boolean {
  return IPV6.test(host);
}

/**
 * A URL without the user name and password that it may begin with, `tcp://user:password@host`, and these, percent-decoded. For
 * clients; everywhere else such a URL is refused.
 * @throws {SpokeError} `ADDRESS_INVALID`
 */
export function withoutLogin(url: string): { readonly url: string; readonly auth?: Credentials } {
  const [, scheme = '', login = '', rest = ''] = LOGIN.exec(url) ?? [];
  if (scheme === '') return { url };
  const colon = login.indexOf(':');
  if (colon <= 0)
    throw invalid(url, 'a login in an address is a user name and a password, as in tcp://user:password@host');
  const user = decode(url, login.slice(0, colon));
  const password = decode(url, login.slice(colon + 1));
  return { url: scheme + rest, auth: { user, password } };
}

function splitAuthority(url: string, authority: string): Pick<Address, 'host' | 'port'> {
  // Also keeps a password out of the text of the error.
  if (authority.includes('@')) throw invalid('the URL', 'user names and passwords do not belong in an address');
  if (authority.startsWith('[')) {
    const end = authority.indexOf(']');
    if (end < 0) throw invalid(url, 'the bracket of the IPv6 host is not closed');
    const host = authority.slice(1, end).replace('%25', '%');
    if (!isIpv6(host)) throw invalid(url, `[${host}] is not an IPv6 address`);
    return { host, port: parsePort(url, authority.slice(end + 1)) };
  }
  const colon = authority.indexOf(':');
  if (colon !== authority.lastIndexOf(':')) {
    throw invalid(url, 'it has several colons; put an IPv6 host in brackets, as in tcp://[::1]:7181');
  }
  const text = colon < 0 ? authority : authority.slice(0, colon);
  const host = decode(url, text);
  if (/\s/.test(text) || /[[\]:/]/.test(host)) throw invalid(url, `${JSON.stringify(host)} is not a host name`);
  return { host, port: parsePort(url, colon < 0 ? '' : authority.slice(colon)) };
}

function parsePort(url: string, text: string): number | undefined {
  if (text === '') return undefined;
  const digits = text.slice(1);
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!text.startsWith(':') || !isPort(port)) {
    throw invalid(url, `${JSON.stringify(digits)} is not a port; a port is a number from 0 to ${MAX_PORT}`);
  }
  return port;
}

function parseParams(url: string, query: string): ReadonlyMap<string, string> {
  const params = new Map<string, string>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(url, equals < 0 ? pair : pair.slice(0, equals));
    if (params.has(name)) throw invalid(url, `the parameter ${JSON.stringify(name)} is given twice`);
    params.set(name, equals < 0 ? '' : decode(url, pair.slice(equals + 1)));
  }
  return params;
}

function decode(url: string, text: string): string {
  let decoded;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    throw invalid(url, 'a % must be followed by two hexadecimal digits of UTF-8; write a plain % as %25');
  }
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(decoded)) throw invalid(url, 'it holds a control character');
  if (/\p{Surrogate}/u.test(decoded)) throw invalid(url, 'it holds half of a character (a lone surrogate)');
  return decoded;
}

function withoutScheme(url: string): string {
  const bare = shorten(url.trim().replace(SECRET, '$1'), 100);
  if (bare === '') return 'it is empty; an address looks like tcp://localhost:7181';
  if (SCHEME.test(bare)) return 'it begins with white space';
  if (/^\.{0,2}\//.test(bare)) return `it has no scheme; did you mean unix://${bare}?`;
  const almost = /^([a-z][a-z0-9+.-]*):\/?(?!\d)([^/].*)$/i.exec(bare);
  if (almost?.[1] !== undefined && !almost[1].includes('.')) {
    return `after the scheme come two slashes; did you mean ${almost[1]}://${almost[2]}?`;
  }
  return `it has no scheme; did you mean tcp://${bare}?`;
}

function invalid(url: string, why: string): SpokeError {
  // Not even a part of a password, whatever is wrong with it.
  const shown = shorten(url.replace(SECRET, '$1'), 200);
  return new SpokeError('ADDRESS_INVALID', `${shown} is not an address: ${why}`, { details: { address: shown } });
}

function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}...` : text;
}

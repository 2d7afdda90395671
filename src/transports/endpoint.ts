// Which endpoint is meant when little or nothing is said: the defaults that all programs of this network share
// (docs/protocol.md, "Clients and servers").

import { SpokeError } from '../contracts/index.js';
import { formatAddress, isIpv6, isPort, parseAddress } from './address.js';

/** The port of brokers on TCP. */
export const DEFAULT_PORT = 7181;

/** A URL, or host and port of a TCP endpoint. */
export type Endpoint = string | { readonly host?: string; readonly port?: number };

/** Environment variables, as in `process.env`. One that is empty counts as absent. */
export type Environment = Readonly<Record<string, string | undefined>>;

const ANY_HOST = '0.0.0.0';
const LOCAL_HOST = 'localhost';

/**
 * The URL a client connects to. What is given wins; then `SPOKEHOST` and `SPOKEPORT`; then `tcp://localhost:7181`.
 * A URL counts as given in full: in one of TCP a missing host is `localhost` and a missing port 7181.
 * @throws {SpokeError} `ADDRESS_INVALID`
 */
export function connectUrl(endpoint: Endpoint | undefined, env: Environment): string {
  if (typeof endpoint === 'string') return completeUrl(endpoint, LOCAL_HOST);
  return tcpUrl(endpoint?.host ?? environmentHost(env) ?? LOCAL_HOST, LOCAL_HOST, endpoint?.port, env);
}

/**
 * The URL a broker listens on. What is given wins; then `SPOKEPORT`; then `tcp://0.0.0.0:7181`.
 * A URL counts as given in full: in one of TCP a missing host is `0.0.0.0` and a missing port 7181.
 * @throws {SpokeError} `ADDRESS_INVALID`
 */
export function listenUrl(endpoint: Endpoint | undefined, env: Environment): string {
  if (typeof endpoint === 'string') return completeUrl(endpoint, ANY_HOST);
  return tcpUrl(endpoint?.host ?? ANY_HOST, ANY_HOST, endpoint?.port, env);
}

function completeUrl(url: string, defaultHost: string): string {
  const address = parseAddress(url);
  // Other transports have defaults of their own.
  if (address.scheme !== 'tcp') return url;
  return formatAddress({ ...address, host: address.host || defaultHost, port: address.port ?? DEFAULT_PORT });
}

function tcpUrl(host: string, defaultHost: string, givenPort: number | undefined, env: Environment): string {
  const port = givenPort ?? environmentPort(env) ?? DEFAULT_PORT;
  if (!isPort(port)) throw invalid(`port ${port}: a port is a whole number from 0 to 65535`);
  return formatAddress({ scheme: 'tcp', host: requireHost(host, 'host') || defaultHost, port });
}

function environmentHost(env: Environment): string | undefined {
  const host = env['SPOKEHOST']?.trim();
  return host === undefined || host === '' ? undefined : requireHost(host, 'the environment variable SPOKEHOST is');
}

// Without the brackets of an IPv6 address.
function requireHost(host: string, what: string): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  if (/[\s/?#@[\]]/.test(bare) || (bare.includes(':') && !isIpv6(bare))) {
    throw invalid(`${what} ${JSON.stringify(host)}: give a name or an address, without scheme and port`);
  }
  return bare;
}

function environmentPort(env: Environment): number | undefined {
  const text = env['SPOKEPORT']?.trim();
  if (text === undefined || text === '') return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!isPort(port)) {
    throw invalid(
      `the environment variable SPOKEPORT is ${JSON.stringify(text)}: it takes a whole number from 0 to 65535`,
    );
  }
  return port;
}

function invalid(text: string): SpokeError {
  return new SpokeError('ADDRESS_INVALID', text);
}

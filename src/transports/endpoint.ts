// Which endpoint is meant when little or nothing is said: the defaults that all programs of this network share
// (docs/protocol.md, "Clients and servers").

import type { Limits } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { formatAddress, isIpv6, isPort, parseAddress } from './address.js';

/** The port of brokers on TCP, with TLS or without. */
export const DEFAULT_PORT = 7181;
/** The port of brokers on WebSocket. */
export const DEFAULT_WEB_PORT = 7182;

/** A URL, or host and port of a TCP endpoint. */
export type Endpoint = string | { readonly host?: string; readonly port?: number };

/**
 * Where a broker listens: a URL, alone or as `url`, or host and port of a TCP endpoint.
 */
export type ListenEndpoint =
  | string
  | {
      readonly url?: string;
      readonly host?: string;
      readonly port?: number;
      /**
       * Taken for programs that come from `pyspoke`: there it lets a server take its port again at once, and here a server
       * always can (Node sets SO_REUSEADDR on every listening socket).
       */
      readonly reuse?: boolean;
      /** Of the connections accepted here, where they are not those of the broker (`docs/limits.md#endpoints`). */
      readonly limits?: Partial<Limits>;
    };

/** Environment variables, as in `process.env`. One that is empty counts as absent. */
export type Environment = Readonly<Record<string, string | undefined>>;

const ANY_HOST = '0.0.0.0';
const LOCAL_HOST = 'localhost';

/**
 * The URL a client connects to. What is given wins; then `SPOKEHOST` and `SPOKEPORT`; then `tcp://localhost:7181`.
 * A URL counts as given in full: a missing host is `localhost`, a missing port 7181, or 7182 of WebSocket. Only one
 * without any host, `ws://` or `wss://`, looks for `SPOKEWEBHOST` and `SPOKEWEBPORT`, then `SPOKEHOST` and `SPOKEPORT`.
 * @throws {SpokeError} `ADDRESS_INVALID`
 */
export function connectUrl(endpoint: Endpoint | undefined, env: Environment): string {
  if (typeof endpoint === 'string') {
    return completeUrl(
      endpoint,
      () => environmentHost(env, 'SPOKEWEBHOST', 'SPOKEHOST') ?? LOCAL_HOST,
      LOCAL_HOST,
      env,
    );
  }
  return tcpUrl(endpoint?.host ?? environmentHost(env, 'SPOKEHOST') ?? LOCAL_HOST, LOCAL_HOST, endpoint?.port, env);
}

/**
 * The URL a broker listens on. What is given wins; then `SPOKEPORT`; then `tcp://0.0.0.0:7181`.
 * A URL counts as given in full: a missing host is `0.0.0.0`, a missing port 7181, or 7182 of WebSocket. Only one without
 * any host, `ws://` or `wss://`, looks for `SPOKEWEBPORT`, then `SPOKEPORT`.
 * @throws {SpokeError} `ADDRESS_INVALID`
 */
export function listenUrl(endpoint: ListenEndpoint | undefined, env: Environment): string {
  const { url, host, port } = typeof endpoint === 'string' ? { url: endpoint } : { ...endpoint };
  if (url !== undefined) {
    if ((host ?? port) !== undefined) throw invalid(`${url} says it all: leave host and port out`);
    return completeUrl(url, () => ANY_HOST, ANY_HOST, env);
  }
  return tcpUrl(host ?? ANY_HOST, ANY_HOST, port, env);
}

function completeUrl(url: string, webHost: () => string, defaultHost: string, env: Environment): string {
  const address = parseAddress(url);
  const { scheme, host, port } = address;
  switch (scheme) {
    case 'tcp':
    case 'tls':
      return formatAddress({ ...address, host: host || defaultHost, port: port ?? DEFAULT_PORT });
    case 'ws':
    case 'wss': {
      const setPort = host === '' && port === undefined ? environmentPort(env, 'SPOKEWEBPORT', 'SPOKEPORT') : port;
      return formatAddress({ ...address, host: host || webHost(), port: setPort ?? DEFAULT_WEB_PORT });
    }
    default:
      // Other transports have defaults of their own.
      return url;
  }
}

function tcpUrl(host: string, defaultHost: string, givenPort: number | undefined, env: Environment): string {
  const port = givenPort ?? environmentPort(env, 'SPOKEPORT') ?? DEFAULT_PORT;
  if (!isPort(port)) throw invalid(`port ${port}: a port is a whole number from 0 to 65535`);
  return formatAddress({ scheme: 'tcp', host: requireHost(host, 'host') || defaultHost, port });
}

/** The first of these variables that is set. */
function environmentHost(env: Environment, ...names: readonly string[]): string | undefined {
  const set = firstSet(env, names);
  return set === undefined ? undefined : requireHost(set.text, `the environment variable ${set.name} is`);
}

// Without the brackets of an IPv6 address.
function requireHost(host: string, what: string): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  if (/[\s/?#@[\]]/.test(bare) || (bare.includes(':') && !isIpv6(bare))) {
    throw invalid(`${what} ${JSON.stringify(host)}: give a name or an address, without scheme and port`);
  }
  return bare;
}

function environmentPort(env: Environment, ...names: readonly string[]): number | undefined {
  const set = firstSet(env, names);
  if (set === undefined) return undefined;
  const { name, text } = set;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!isPort(port)) {
    throw invalid(
      `the environment variable ${name} is ${JSON.stringify(text)}: it takes a whole number from 0 to 65535`,
    );
  }
  return port;
}

function firstSet(env: Environment, names: readonly string[]): { name: string; text: string } | undefined {
  for (const name of names) {
    const text = env[name]?.trim();
    if (text !== undefined && text !== '') return { name, text };
  }
  return undefined;
}

function invalid(text: string): SpokeError {
  return new SpokeError('ADDRESS_INVALID', text);
}

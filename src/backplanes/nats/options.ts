// How to reach NATS, in plain values.

import { readFileSync } from 'node:fs';

import type { NodeConnectionOptions } from '@nats-io/transport-node';
import { credsAuthenticator } from '@nats-io/transport-node';

import type { HistoryRule } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { requireHistoryRules } from '../histories.js';
import { PREFIX } from './subjects.js';

export interface NatsOptions {
  /**
   * Servers: `nats://host:4222`, `tls://host`, with `user:password@` if need be. One is enough: it tells of the others.
   * Default `nats://127.0.0.1:4222`.
   */
  readonly servers?: string | readonly string[];
  /** File with credentials (`.creds`), as `nsc` makes them. */
  readonly credentials?: string;
  readonly token?: string;
  /** TLS: files in PEM. With any of these, or a `tls://` server, the connection is encrypted. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** First token of all subjects, and of the stream's name: brokers with another one are another cluster. Default `spoke`. */
  readonly prefix?: string;
  /** Servers that keep each persistent message: 1 to 5, of a cluster of as many. Default: as the stream is, or 1. */
  readonly replicas?: number;
  /** Where the stream is kept when it is made: `file` or `memory`. Default `file`. */
  readonly storage?: 'file' | 'memory';
  /**
   * What is kept as history, and how much, for `from`, durable subscriptions and `client.history`: patterns of which no two have a channel
   * in common. Every broker of the cluster records what any of them was told to keep. Default: what others keep.
   */
  readonly history?: readonly HistoryRule[];
  /** Milliseconds for one attempt to connect, and for each request. Default 5,000. */
  readonly timeout?: number;
}

export const DEFAULT_TIMEOUT = 5000;
const DEFAULT_SERVER = 'nats://127.0.0.1:4222';

/** @throws {TypeError} for an option that makes no sense. */
export function requireNatsOptions(options: NatsOptions): NatsOptions {
  const { prefix, replicas } = options;
  if (prefix !== undefined && !PREFIX.test(prefix)) {
    throw new TypeError('prefix has letters, digits, "_" and "-" only');
  }
  if (replicas !== undefined && !(Number.isInteger(replicas) && replicas >= 1 && replicas <= 5)) {
    throw new TypeError('replicas must be a whole number from 1 to 5');
  }
  for (const server of serversOf(options)) serverOf(server);
  requireHistoryRules(options.history ?? []);
  return options;
}

/** The servers as text, without passwords. */
export function serversShown(options: NatsOptions): string {
  return serversOf(options)
    .map((server) => server.replace(/\/\/[^/@]*@/, '//'))
    .join(', ');
}

/** @throws {SpokeError} `CONNECT_FAILED`: a file cannot be read. */
export function connectionOptions(options: NatsOptions, name: string): NodeConnectionOptions {
  const { credentials, token, tls, timeout = DEFAULT_TIMEOUT } = options;
  const servers = serversOf(options).map(serverOf);
  const login = servers.find(({ user }) => user !== undefined);
  const encrypted = tls !== undefined || servers.some((server) => server.encrypted);
  return {
    servers: servers.map(({ address }) => address),
    name,
    // What a broker publishes it has delivered to its own clients already.
    noEcho: true,
    timeout,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    ignoreAuthErrorAbort: true,
    pingInterval: 5000,
    maxPingOut: 2,
    ...(token !== undefined && { token }),
    ...(login?.user !== undefined && { user: login.user, pass: login.pass ?? '' }),
    ...(credentials !== undefined && { authenticator: credsAuthenticator(read(credentials)) }),
    ...(encrypted && {
      tls: {
        ...(tls?.ca !== undefined && { caFile: tls.ca }),
        ...(tls?.cert !== undefined && { certFile: tls.cert }),
        ...(tls?.key !== undefined && { keyFile: tls.key }),
      },
    }),
  };
}

interface Server {
  readonly address: string;
  readonly encrypted: boolean;
  readonly user?: string;
  readonly pass?: string;
}

function serversOf({ servers = DEFAULT_SERVER }: NatsOptions): readonly string[] {
  return typeof servers === 'string' ? [servers] : servers;
}

function serverOf(text: string): Server {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '') {
    throw new TypeError(`${text} is no address of a NATS server; that is nats://host:4222 or tls://host:4222`);
  }
  return {
    address: `${url.hostname}:${url.port === '' ? '4222' : url.port}`,
    encrypted: url.protocol === 'tls:',
    ...(url.username !== '' && { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) }),
  };
}

function read(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new SpokeError('CONNECT_FAILED', `the credentials ${file} cannot be read`, { cause });
  }
}

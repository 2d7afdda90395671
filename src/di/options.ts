// What a container's broker and client are told in plain values. Parts (transports, codecs, a store) are bound instead.

import type { BridgeOptions, ProxyOptions } from '../bridge/index.js';
import type { AccessOptions } from '../access/index.js';
import type { BackoffOptions } from '../client/index.js';
import type { Limits } from '../contracts/index.js';
import { withDefaults } from '../contracts/index.js';
import type { Endpoint, ListenEndpoint } from '../transports/index.js';

export interface SpokeOptions {
  /**
   * Broker: endpoints to listen on, URLs or `{host, port}` for TCP. Default: `tcp://0.0.0.0:7181`, with the port from
   * `SPOKEPORT` when that is set. An empty list: none, use `broker.listen` later.
   */
  readonly listen?: ListenEndpoint | readonly ListenEndpoint[];
  /** Broker: where persistent messages are kept, `lmdb:FOLDER` or `memory:`. Default: in memory. */
  readonly store?: string;
  /** Broker: users and rules. What is bound to `TOKENS.Authenticator` or `TOKENS.Authorizer` takes the place of either. */
  readonly access?: AccessOptions;
  /** Broker: milliseconds that closing waits for connections to take what is queued. Default 1,000. */
  readonly closeTimeout?: number;
  /**
   * Client: the broker, a URL or `{host, port}` for TCP; or URLs of brokers of which any will do. Default: `SPOKEHOST` and
   * `SPOKEPORT`, else `tcp://localhost:7181`.
   */
  readonly url?: Endpoint | readonly string[];
  /** Client: name of the codec it speaks, one of those bound to `TOKENS.Codec`. Default `json`, which every broker speaks. */
  readonly codec?: string;
  /** Client: `false`: a failed attempt or a lost connection closes the client. */
  readonly reconnect?: BackoffOptions | false;
  /** Client: milliseconds until it is given up when there is no first connection. Default: none, it tries for ever. */
  readonly timeout?: number;
  /** Client: milliseconds between signs of life, at least 1,000; `false` for none. Default 15,000. */
  readonly heartbeat?: number | false;
  /** Client: default timeout of calls, in milliseconds. Default 30,000. */
  readonly callTimeout?: number;
  /** Handlers: milliseconds that ending waits for calls and messages that are being handled. Default 5,000. */
  readonly handlerTimeout?: number;
  /** Bridge: the brokers that it joins, and what may cross. */
  readonly bridge?: BridgeSettings;
  /** Proxy: what it shows of which broker, and where. For an authenticator of its own make a `Proxy` yourself. */
  readonly proxy?: ProxySettings;
  /** Of all of them. */
  readonly limits?: Partial<Limits>;
}

/** A bridge in plain values. */
export interface BridgeSettings extends Pick<BridgeOptions, 'url1' | 'url2' | 'include' | 'exclude' | 'map'> {
  /** Names of codecs, of those bound to `TOKENS.Codec`. Default `json`. */
  readonly codec1?: string;
  readonly codec2?: string;
}

/** A proxy in plain values. */
export interface ProxySettings extends Pick<ProxyOptions, 'url' | 'listen' | 'channels'> {
  /** Name of the codec of the private side. Default `json`. */
  readonly codec?: string;
}

const BRIDGE_KEYS: readonly string[] = ['url1', 'url2', 'include', 'exclude', 'map', 'codec1', 'codec2'];
/** Of an endpoint that is listened on, beside host and port. */
const LISTEN_KEYS: readonly string[] = ['url', 'reuse', 'limits'];
const PROXY_KEYS: readonly string[] = ['url', 'listen', 'channels', 'codec'];

const CHECKS: { readonly [K in keyof Required<SpokeOptions>]: (value: unknown, name: string) => void } = {
  listen(value) {
    if (!Array.isArray(value)) requireEndpoint(value, 'listen');
    else for (const [index, endpoint] of value.entries()) requireEndpoint(endpoint, `listen[${index}]`);
  },
  store: requireText,
  access(value, name) {
    requireObject(value, name, 'an object with users, groups, everyone, anonymous');
  },
  closeTimeout(value, name) {
    // 0 does not wait at all.
    if (value !== 0) requireMilliseconds(value, name);
  },
  url(value, name) {
    if (!Array.isArray(value)) requireEndpoint(value, name);
    else if (value.length === 0) throw new TypeError(`options.${name} must have at least one URL`);
    else for (const [index, url] of value.entries()) requireText(url, `${name}[${index}]`);
  },
  codec: requireText,
  reconnect(value, name) {
    if (value !== false) requireObject(value, name, 'false or an object with minDelay and maxDelay');
  },
  timeout: requireMilliseconds,
  heartbeat(value, name) {
    if (value !== false) requireMilliseconds(value, name);
  },
  callTimeout: requireMilliseconds,
  handlerTimeout: requireMilliseconds,
  bridge(value, name) {
    const { url1, url2 } = requireKeys(value, name, BRIDGE_KEYS);
    requireEndpoint(url1, `${name}.url1`);
    requireEndpoint(url2, `${name}.url2`);
  },
  proxy(value, name) {
    const { url, channels } = requireKeys(value, name, PROXY_KEYS);
    requireEndpoint(url, `${name}.url`);
    if (!Array.isArray(channels)) throw new TypeError(`options.${name}.channels must be a list of patterns`);
  },
  limits(value, name) {
    requireObject(value, name, 'an object');
    withDefaults(value);
  },
};

/**
 * The same options, known to be of the right types. Whether an address can be used is found out by whoever uses it.
 * @throws {TypeError} for an option that does not exist or has a value of the wrong type.
 */
export function requireOptions(options: SpokeOptions): SpokeOptions {
  requireObject(options, 'options', 'an object');
  for (const [name, value] of Object.entries(options)) {
    if (!isOption(name)) {
      throw new TypeError(`options.${name}: there is no such option; there are: ${Object.keys(CHECKS).join(', ')}`);
    }
    if (value !== undefined) CHECKS[name](value, name);
  }
  return options;
}

function isOption(name: string): name is keyof SpokeOptions {
  return Object.hasOwn(CHECKS, name);
}

function requireEndpoint(value: unknown, name: string): void {
  if (typeof value === 'string' && value !== '') return;
  requireObject(value, name, 'a URL such as tcp://:7181, or { host, port }');
  for (const key of Object.keys(value)) {
    const listens = name.startsWith('listen');
    const known = key === 'host' || key === 'port' || (listens && LISTEN_KEYS.includes(key));
    if (!known)
      throw new TypeError(`options.${name}.${key}: an endpoint has host and port${listens ? ', or url' : ''}`);
  }
  if ('url' in value && value.url !== undefined) requireText(value.url, `${name}.url`);
  if ('limits' in value && value.limits !== undefined) CHECKS.limits(value.limits, `${name}.limits`);
  if ('host' in value && value.host !== undefined) requireText(value.host, `${name}.host`);
  if ('port' in value && value.port !== undefined && typeof value.port !== 'number') {
    throw new TypeError(`options.${name}.port must be a number`);
  }
}

function requireKeys(value: unknown, name: string, keys: readonly string[]): Readonly<Record<string, unknown>> {
  requireObject(value, name, `an object with ${keys.join(', ')}`);
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) {
      throw new TypeError(`options.${name}.${key}: there is no such option; there are: ${keys.join(', ')}`);
    }
  }
  return { ...value };
}

function requireText(value: unknown, name: string): void {
  if (typeof value !== 'string' || value === '')
    throw new TypeError(`options.${name} must be a text that is not empty`);
}

function requireMilliseconds(value: unknown, name: string): void {
  if (typeof value !== 'number' || !(value > 0)) {
    throw new TypeError(`options.${name} must be a positive number of milliseconds`);
  }
}

function requireObject(value: unknown, name: string, expected: string): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${name === 'options' ? name : `options.${name}`} must be ${expected}`);
  }
}

// WebSocket for Node: a broker's endpoint for browsers, and a client's way through proxies. The package ws and Node's HTTP are
// loaded when they are needed: other programs start without them.

import type { Address, Connection, ConnectOptions, Listener, ListenOptions, Transport } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { DEFAULT_WEB_PORT } from '../endpoint.js';
import { requireNotAborted } from '../opening.js';
import { listenFailed } from '../tcp/errors.js';
import { hostAndPort, requireParams } from '../tcp/host-port.js';
import { INHERITED, inheritedFrom } from '../tcp/inherited.js';
import { untilListening } from '../tcp/opening.js';
import { ClientContexts } from '../tls/contexts.js';
import type { TlsOptions } from '../tls/options.js';
import { TLS_PARAMS, tlsOptions } from '../tls/options.js';
import type { Origins } from './origins.js';

export interface WebSocketTransportOptions {
  /** For `wss://`. */
  readonly tls?: TlsOptions;
  /**
   * Listening: sites whose web pages may connect, as browsers name them (`https://app.example`, `null` for a page from a
   * file), or `'*'` for all. Default: pages of the host that is connected to, on any port. Programs that are no browsers
   * name no site and may connect in any case.
   */
  readonly origins?: Origins;
  /**
   * Milliseconds that an ending connection may make no progress before it is cut: the other side neither takes what is
   * queued nor ends as well. Default 5,000.
   */
  readonly closeTimeout?: number;
}

const DEFAULT_CLOSE_TIMEOUT = 5000;

/**
 * `ws://host:port/path` and `wss://`. The default port is 7182, not that of web pages. `docs/transports.md#websocket` has
 * the whole of it.
 */
export class WebSocketTransport implements Transport {
  readonly schemes: readonly string[] = ['ws', 'wss'];
  readonly #tls: TlsOptions;
  readonly #origins: Origins | undefined;
  readonly #closeTimeout: number;
  readonly #contexts = new ClientContexts();

  /** @throws {TypeError} when `closeTimeout` is not a positive number, or `origins` neither a list nor `'*'`. */
  constructor(options: WebSocketTransportOptions = {}) {
    const { tls = {}, origins, closeTimeout = DEFAULT_CLOSE_TIMEOUT } = options;
    if (!(closeTimeout > 0)) throw new TypeError('closeTimeout must be a positive number of milliseconds');
    if (origins !== undefined && origins !== '*' && !Array.isArray(origins)) {
      throw new TypeError("origins must be a list of sites such as https://app.example, or '*'");
    }
    this.#tls = tls;
    this.#origins = origins;
    this.#closeTimeout = closeTimeout;
  }

  async connect(address: Address, options: ConnectOptions): Promise<Connection> {
    const { signal, limits } = options;
    const isSecure = address.scheme === 'wss';
    const target = targetOf(address, 'localhost', 'connect');
    const tls = isSecure ? tlsOptions(address, this.#tls) : undefined;
    requireNotAborted(address, signal);
    const [{ connectWebSocket }, context] = await Promise.all([
      import('./connecting.js'),
      tls === undefined ? undefined : this.#contexts.get(address, tls),
    ]);
    requireNotAborted(address, signal);
    // What says nothing about TLS is for the server.
    const params = new Map([...address.params].filter(([name]) => !isSecure || !isTlsParam(name)));
    return connectWebSocket({
      address,
      target,
      path: address.path,
      params,
      tls: tls === undefined || context === undefined ? undefined : { options: tls, context },
      limits,
      signal,
      closeTimeout: this.#closeTimeout,
    });
  }

  async listen(
    address: Address,
    onConnection: (connection: Connection) => void,
    options: ListenOptions,
  ): Promise<Listener> {
    const { signal, limits, onError } = options;
    const isSecure = address.scheme === 'wss';
    const asked = targetOf(address, '0.0.0.0', 'listen');
    requireParams(address, [...(isSecure ? TLS_PARAMS : []), 'origins', INHERITED]);
    const inherited = inheritedFrom(address);
    const origins = originsOf(address) ?? this.#origins;
    requireNotAborted(address, signal);
    const { tlsServerOptions, WebSocketListening } = await import('./listening.js');
    const tls = isSecure
      ? await tlsServerOptions(address, tlsOptions(address, this.#tls), limits.connectTimeout)
      : undefined;
    requireNotAborted(address, signal);
    const listening = new WebSocketListening({
      scheme: isSecure ? 'wss' : 'ws',
      asked,
      path: address.path === '/' ? '' : address.path,
      tls,
      origins,
      limits,
      closeTimeout: this.#closeTimeout,
      onConnection,
      onError,
    });
    await untilListening(listening.server, () => listening.server.listen(inherited ?? asked), {
      address,
      signal,
      failed: (cause) => listenFailed(address, cause),
    });
    listening.watch();
    const reload = async (): Promise<void> => {
      listening.renew(await tlsServerOptions(address, tlsOptions(address, this.#tls), limits.connectTimeout));
    };
    return { address: listening.address, close: () => listening.close(), ...(isSecure && { reload }) };
  }
}

function targetOf(address: Address, host: string, direction: 'connect' | 'listen') {
  return hostAndPort({ ...address, path: '' }, { host, port: DEFAULT_WEB_PORT }, direction);
}

function isTlsParam(name: string): boolean {
  return TLS_PARAMS.some((param) => param === name);
}

function originsOf(address: Address): Origins | undefined {
  const text = address.params.get('origins');
  if (text === undefined) return undefined;
  if (text === '')
    throw new SpokeError('ADDRESS_INVALID', `${address.href}: origins is empty; write sites, or * for all`);
  return text === '*' ? text : text.split(',');
}

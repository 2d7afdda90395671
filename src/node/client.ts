// The client of Node programs: the platform's transports and defaults, and remote calls.

import type { BackoffOptions, Login, WaitOptions } from '../client/index.js';
import type { About } from '../client/presence.js';
import type { Will } from '../client/will.js';
import { findCodec } from '../codecs/index.js';
import type { ClientCodec, Clock, Limits, Transport } from '../contracts/index.js';
import { ContractClient } from './contract-client.js';
import { defaultCodecs, defaultTransports } from './defaults.js';
import { brokersAt, onNode } from './platform.js';

export interface ClientOptions {
  /**
   * The broker. Default: `tcp://HOST:PORT` from `host` and `port`. A list: whichever of them can be reached, tried in their order,
   * from the one behind that which was lost.
   */
  readonly url?: string | readonly string[];
  /**
   * Who it is: `{ token }` or `{ user, password }`, or a function that is asked for it at each connection. Told to brokers that ask
   * for it, and to them alone. Default: the login in the URL (`tcp://user:password@host`), else `SPOKE_TOKEN`, else
   * `SPOKE_USER` and `SPOKE_PASSWORD` of the environment, else nobody.
   */
  readonly auth?: Login;
  /** Default: `SPOKEHOST`, else `localhost`. */
  readonly host?: string;
  /** Default: `SPOKEPORT`, else 7181. */
  readonly port?: number;
  /** Default: TCP, TLS, Unix sockets and WebSocket. */
  readonly transports?: readonly Transport[];
  /** A codec or the name of a built-in one. Default `json`, which every broker speaks. */
  readonly codec?: ClientCodec | string;
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
  /** `false`: a failed attempt or a lost connection closes the client. */
  readonly reconnect?: BackoffOptions | false;
  /** Milliseconds between signs of life; `false` for none. Default 15,000. */
  readonly heartbeat?: number | false;
  /** Default timeout of calls, in milliseconds. Default 30,000. */
  readonly callTimeout?: number;
  /** What the client says of itself to those who look at who is connected (`client.presence`); at most 4,096 bytes. */
  readonly about?: About;
  /** Published when the connection of this client is lost, and not when it closes. */
  readonly will?: Will;
  /** Milliseconds that `close` waits until what it was given as a member of groups and as a provider is done. Default 5,000; 0: not at all. */
  readonly closeTimeout?: number;
}

/**
 * A connection to a broker: publish, subscribe, call and provide.
 *
 * @example
 * const client = await Client.connect();
 * await client.subscribe('sensors/*\/temp', (message) => console.log(message.channel, message.body));
 * await client.publish('sensors/kitchen/temp', 21.5, { persist: true });
 */
export class Client extends ContractClient {
  /**
   * Does not connect yet: `connect` does.
   * @throws {TypeError} for a wrong option.
   * @throws {SpokeError} `ADDRESS_INVALID`, `UNKNOWN_SCHEME`, `UNKNOWN_CODEC`, `DUPLICATE`.
   */
  constructor(options: ClientOptions = {}) {
    const { url, host, port, codec = 'json', transports = defaultTransports(), clock, ...rest } = options;
    const endpoint = url ?? { ...(host !== undefined && { host }), ...(port !== undefined && { port }) };
    const { addresses, ...login } = brokersAt(endpoint);
    super({
      ...login,
      ...onNode(addresses, transports, clock),
      codec: typeof codec === 'string' ? findCodec(defaultCodecs(), codec) : codec,
      ...rest,
    });
  }

  /**
   * Makes a client and waits for its first connection.
   * @param options - a URL, a list of URLs, or options; `timeout` and `signal` bound the waiting, which is for ever otherwise.
   * @throws as the constructor and `connect`.
   */
  static async connect(options: string | readonly string[] | (ClientOptions & WaitOptions) = {}): Promise<Client> {
    const { signal, timeout, ...rest }: ClientOptions & WaitOptions =
      typeof options === 'string' || isList(options) ? { url: options } : options;
    const client = new Client(rest);
    await client.connect({ ...(signal !== undefined && { signal }), ...(timeout !== undefined && { timeout }) });
    return client;
  }
}

// Array.isArray does not know lists that are read-only.
function isList(options: object): options is readonly string[] {
  return Array.isArray(options);
}

// The client of web pages: WebSocket, the page's own host, and remote calls.

import { PatternList } from '../channels/index.js';
import type { BackoffOptions, Login, WaitOptions } from '../client/index.js';
import { JsonCodec } from '../codecs/small/index.js';
import type { ClientCodec, Clock, Limits, Transport } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import type { MakeOutbox } from '../link/index.js';
import { PlainOutbox, PlainSink } from '../link/index.js';
import { PlainClient } from '../rpc/index.js';
import { BrowserWebSocketTransport } from '../transports/websocket/browser/index.js';
import { pageUrl, readAddress } from './address.js';

export interface ClientOptions {
  /** The broker. Default: port 7182 of the page's own host, by `wss://` from pages that came by `https://`. */
  readonly url?: string;
  /** Who it is: `{ token }` or `{ user, password }`, or a function that is asked at each connection. Default: nobody. */
  readonly auth?: Login;
  /** Default: `BrowserWebSocketTransport`. */
  readonly transports?: readonly Transport[];
  /** Default: `new JsonCodec()`. Not by name, so that pages which do not use msgpack do not load it. */
  readonly codec?: ClientCodec;
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
  /** `false`: a failed attempt or a lost connection closes the client. */
  readonly reconnect?: BackoffOptions | false;
  /** Milliseconds between signs of life; `false` for none. Default 15,000. */
  readonly heartbeat?: number | false;
  /** Default timeout of calls, in milliseconds. Default 30,000. */
  readonly callTimeout?: number;
}

const makeOutbox: MakeOutbox = (connection) => new PlainOutbox(connection);

/**
 * A connection to a broker: publish, subscribe, call and provide.
 *
 * @example
 * const client = await Client.connect();
 * await client.subscribe('sensors/*\/temp', (message) => show(message.channel, message.body));
 */
export class Client extends PlainClient {
  /**
   * Does not connect yet: `connect` does.
   * @throws {TypeError} for a wrong option.
   * @throws {SpokeError} `ADDRESS_INVALID`, `UNKNOWN_SCHEME`.
   */
  constructor(options: ClientOptions = {}) {
    const { url, transports = [new BrowserWebSocketTransport()], codec = new JsonCodec(), ...rest } = options;
    if (typeof codec !== 'object') throw new TypeError('codec: give an object, as in `codec: new MsgpackCodec()`');
    const address = readAddress(url ?? pageUrl(Reflect.get(globalThis, 'location')));
    const { href, scheme } = address;
    const transport = transports.find(({ schemes }) => schemes.includes(scheme));
    if (transport === undefined) throw new SpokeError('UNKNOWN_SCHEME', `${href}: no transport serves ${scheme}://`);
    const sink = new PlainSink();
    super({ address, transport, codec, routes: new PatternList(), sink, makeOutbox, ...rest });
  }

  /**
   * Makes a client and waits for its first connection.
   * @param options - a URL, or options; `timeout` and `signal` bound the waiting, which is for ever otherwise.
   * @throws as the constructor and `connect`.
   */
  static async connect(options: string | (ClientOptions & WaitOptions) = {}): Promise<Client> {
    const { signal, timeout, ...rest }: ClientOptions & WaitOptions =
      typeof options === 'string' ? { url: options } : options;
    const client = new Client(rest);
    await client.connect({ ...(signal !== undefined && { signal }), ...(timeout !== undefined && { timeout }) });
    return client;
  }
}

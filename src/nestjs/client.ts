// Calls and messages of a NestJS application.

import { Logger } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import type { ReadPacket, WritePacket } from '@nestjs/microservices';

import type { ClientEvents, ClientState } from '../client/index.js';
import type { Client } from '../node/index.js';
import type { SpokeConnectionOptions } from './connection.js';
import { SpokeConnection } from './connection.js';
import type { SpokeRecordOptions } from './record.js';
import { SpokeRecord } from './record.js';

/** As of a `Client`. */
export type SpokeClientEvents = Pick<ClientEvents, keyof ClientEvents>;

/**
 * A `ClientProxy` over a broker of spoke: `send` calls a procedure, of Nest or of any other program; `emit` publishes. It
 * connects when it is first used, or by `connect`.
 *
 * An error of the provider (`RpcError`), and those of `client.call` (`TIMEOUT`, …), is that of the Observable. Unsubscribing
 * aborts the call. For options give a `SpokeRecord` as data; what else a client can do: `unwrap()`.
 */
export class SpokeClient extends ClientProxy<SpokeClientEvents, ClientState> implements OnApplicationShutdown {
  readonly #connection: SpokeConnection;

  /**
   * @param options - those of `Client`, or a `client` of the application.
   * @throws as the constructor of `Client`.
   */
  constructor(options: SpokeConnectionOptions = {}) {
    super();
    this.#connection = new SpokeConnection(options, new Logger(SpokeClient.name));
    const { client } = this.#connection;
    this._status$.next(client.state);
    client.on('state', (state) => this._status$.next(state));
  }

  async connect(): Promise<Client> {
    await this.#connection.connect();
    return this.#connection.client;
  }

  /** Closes its connection, unless the application has lent it one. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  /** For Nest: closes it with the application. */
  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }

  /** Listens to an event of the client. */
  override on<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E]): void {
    this.#connection.client.on(event, listener);
  }

  /** The client of spoke: subscriptions, kept values and all else. */
  unwrap<T = Client>(): T;
  unwrap(): unknown {
    return this.#connection.client;
  }

  protected publish(packet: ReadPacket, respond: (packet: WritePacket) => void): () => void {
    const { data, options } = recordOf(packet);
    const abort = new AbortController();
    const signal = options.signal === undefined ? abort.signal : AbortSignal.any([options.signal, abort.signal]);
    const name = this.normalizePattern(packet.pattern as string);
    void this.#answer(name, data, { ...options, signal }, respond);
    return () => abort.abort();
  }

  async #answer(
    name: string,
    data: unknown,
    options: SpokeRecordOptions,
    respond: (packet: WritePacket) => void,
  ): Promise<void> {
    const { client } = this.#connection;
    try {
      if (options.stream === true) {
        for await (const response of client.stream(name, data, options)) respond({ response });
        respond({ isDisposed: true });
      } else {
        respond({ response: await client.call<unknown>(name, data, options), isDisposed: true });
      }
    } catch (err) {
      respond({ err });
    }
  }

  protected dispatchEvent<T>(packet: ReadPacket): Promise<T>;
  protected async dispatchEvent(packet: ReadPacket): Promise<unknown> {
    const { data, options } = recordOf(packet);
    await this.#connection.client.publish(this.normalizePattern(packet.pattern as string), data, options);
    return undefined;
  }
}

function recordOf({ data }: { readonly data: unknown }): SpokeRecord {
  return data instanceof SpokeRecord ? data : new SpokeRecord(data);
}

// A NestJS microservice that is reached through a broker of spoke.

import type { CustomTransportStrategy, MessageHandler } from '@nestjs/microservices';
import { Server } from '@nestjs/microservices';

import type { ClientState, Message } from '../client/index.js';
import type { Handling } from '../di/handlers/index.js';
import { Handlers } from '../di/handlers/index.js';
import type { Client } from '../node/index.js';
import type { CallContext } from '../rpc/index.js';
import { readAnswer, readEvent } from './answer.js';
import type { SpokeClientEvents } from './client.js';
import type { SpokeConnectionOptions } from './connection.js';
import { SpokeConnection } from './connection.js';
import { SpokeContext } from './context.js';

export interface SpokeStrategyOptions extends SpokeConnectionOptions {
  /** Milliseconds that closing waits for requests and events that are being handled. Default 5,000. */
  readonly closeTimeout?: number;
}

const TRANSPORT = Symbol.for('spoke');

/**
 * The strategy of a microservice: `app.connectMicroservice({ strategy: new SpokeStrategy({ url }) })`.
 *
 * `@MessagePattern('math/square')` is the procedure of that name, for every program of the network; `@EventPattern('sensors/*')`
 * a subscription, wildcards included. An object as a pattern is the name that Nest makes of it, `{"cmd":"sum"}`.
 *
 * `@EventPattern('jobs', { group: 'workers' })`: each event goes to one member of the group.
 *
 * Of a message handler that returns an Observable: one value is the result, none is `null`, several are a stream: an array for
 * callers that do not read it as one.
 */
export class SpokeStrategy extends Server<SpokeClientEvents, ClientState> implements CustomTransportStrategy {
  /** Of `@MessagePattern(…, Transport)`: handlers for this transport alone. */
  override readonly transportId = TRANSPORT;
  readonly #connection: SpokeConnection;
  readonly #handlers: Handlers;

  /**
   * @param options - those of `Client`, or a `client` of the application.
   * @throws as the constructor of `Client`.
   */
  constructor(options: SpokeStrategyOptions = {}) {
    super();
    const { closeTimeout, ...rest } = options;
    this.#connection = new SpokeConnection(rest, this.logger);
    this.#handlers = new Handlers({
      ...(closeTimeout !== undefined && { timeout: closeTimeout }),
      ...(rest.clock !== undefined && { clock: rest.clock }),
    });
    const { client } = this.#connection;
    this._status$.next(client.state);
    client.on('state', (state) => this._status$.next(state));
  }

  /** For Nest: connects, provides and subscribes; calls back when the broker knows of all of it. */
  listen(started: (error?: unknown) => void): void {
    this.#start().then(() => started(), started);
  }

  /** Takes no more requests and events, lets those finish that are being handled, and closes its connection. Idempotent. */
  async close(): Promise<void> {
    await this.#handlers.close();
    await this.#connection.close();
  }

  /** Listens to an event of the client. */
  on<E extends keyof SpokeClientEvents>(event: E, listener: SpokeClientEvents[E]): void {
    this.#connection.client.on(event, listener);
  }

  /** The client of spoke. */
  unwrap<T = Client>(): T;
  unwrap(): unknown {
    return this.#connection.client;
  }

  async #start(): Promise<void> {
    try {
      await this.#connection.connect();
      const handlings = [...this.messageHandlers].map(([pattern, handler]) => this.#handling(pattern, handler));
      await this.#handlers.startHandlings(this.#connection.client, handlings);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  #handling(pattern: string, handler: MessageHandler): Handling {
    if (handler.isEventHandler === true) {
      const run = async (message: Message) => {
        const context = new SpokeContext([message.channel, message, undefined]);
        return this.#processed(context, async () => readEvent((await handler(message.body, context)) as unknown));
      };
      return { kind: 'subscriber', where: '@EventPattern', to: pattern, run, options: groupOf(handler) };
    }
    const run = async (argument: unknown, call: CallContext) => {
      const context = new SpokeContext([pattern, undefined, call]);
      return this.#processed(context, async () =>
        readAnswer((await handler(argument, context)) as unknown, call.signal),
      );
    };
    return { kind: 'method', where: '@MessagePattern', name: pattern, run, options: {} };
  }

  /** Between the hooks that Nest's own transporters call. */
  async #processed<T>(context: SpokeContext, run: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.onProcessingStartHook(TRANSPORT, context, async () => {
        try {
          resolve(await run());
        } catch (error) {
          reject(error);
        } finally {
          this.onProcessingEndHook?.(TRANSPORT, context);
        }
      });
    });
  }
}

function groupOf({ extras }: MessageHandler): { readonly group?: string } {
  const group: unknown = extras?.['group'];
  if (group === undefined) return {};
  if (typeof group !== 'string') throw new TypeError('@EventPattern: the group must be a text');
  return { group };
}

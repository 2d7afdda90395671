// A client that takes contracts where others take channels and names.

import type { Message, PublishOptions, SubscribeOptions } from '../client/index.js';
import { textOf } from '../client/index.js';
import { SpokeError } from '../contracts/index.js';
import type { ProvideOptions, Provider } from '../rpc/index.js';
import type { ChannelAddress, ChannelSet } from './channel.js';
import { checkBody } from './channel.js';
import { parse } from './check.js';
import type { ContractHost } from './host.js';
import { TypedMessage } from './message.js';
import type { ServiceClient, ServiceHandlers } from './procedures.js';
import { provide, use } from './procedures.js';
import type { Methods, ServiceAddress } from './service.js';
import type { Reading, TypedHandler } from './subscription.js';
import { readEach, TypedSubscription } from './subscription.js';

/** Made by `typed`. */
export class TypedClient {
  /** What it publishes, subscribes, calls and provides with. */
  readonly client: ContractHost;

  constructor(client: ContractHost) {
    this.client = client;
  }

  /**
   * Publishes to a channel: see `client.publish`.
   * @throws {SpokeError} (as a rejection) `VALIDATION`: the body does not fit the contract; it was not sent.
   */
  publish<In>(to: ChannelAddress<unknown, In>, body: NoInfer<In>, options?: PublishOptions): Promise<void> {
    try {
      checkBody(to, body);
      // What is sent is what was given: each receiver makes of it what its schema says.
      const given = to.options.persist === true ? { persist: true, ...options } : options;
      return this.client.publish(to.channel, body, given);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Subscribes to channels of a contract: see `client.subscribe`. A message that does not fit is not handed over: it becomes
   * an `error` event of the client, `VALIDATION`.
   */
  async subscribe<Params, In, Out>(
    to: ChannelSet<Params, In, Out>,
    handler?: TypedHandler<Params, Out>,
    options?: SubscribeOptions,
  ): Promise<TypedSubscription<Params, Out>> {
    if (handler !== undefined && typeof handler !== 'function')
      throw new TypeError('subscribe: the handler must be a function');
    const read = reader(this.client, to);
    const accept =
      handler &&
      ((message: Message) => {
        const typed = read(message);
        return typed && handler(typed);
      });
    return new TypedSubscription(await this.client.subscribe(to.pattern, accept, options), read);
  }

  /** The messages of a contract as an async iterator: see `client.messages`. Those that do not fit are left out, as above. */
  messages<Params, In, Out>(
    of: ChannelSet<Params, In, Out>,
    options?: SubscribeOptions,
  ): AsyncGenerator<TypedMessage<Params, Out>, void, undefined> {
    return readEach(this.client.messages(of.pattern, options), reader(this.client, of));
  }

  /**
   * Provides a service, all methods or none. Arguments that do not fit are refused with `VALIDATION` before the handler is
   * called; a result that does not fit is an `error` event here, and `REPLY_MALFORMED` to the caller.
   * @param handlers - a function for each method; called as methods of this object.
   * @throws {TypeError} when one is missing. {SpokeError} as `client.provide`.
   */
  async provide<M extends Methods>(
    service: ServiceAddress<M>,
    handlers: NoInfer<ServiceHandlers<M, []>>,
    options?: ProvideOptions,
  ): Promise<Provider> {
    return provide(this.client, service, handlers, options);
  }

  /**
   * The methods of a service as functions. They reject as `client.call`, and with `VALIDATION` when the argument does not
   * fit (it was not sent), with `REPLY_MALFORMED` when the result does not.
   */
  use<M extends Methods>(service: ServiceAddress<M>): ServiceClient<M> {
    // Made from the same entries that the type is made from.
    return use(this.client, service) as ServiceClient<M>;
  }
}

/**
 * A client that takes contracts. For pages, and for `BaseClient`s of your own: the `Client` of Node takes them itself.
 *
 * @example
 * import { Client } from 'spoke/browser';
 * import { channel, typed, unchecked } from 'spoke/typed';
 *
 * const pose = channel('robots/:id/pose', unchecked<{ x: number }>());
 * const robots = typed(await Client.connect());
 * await robots.subscribe(pose, ({ params, body }) => draw(params.id, body.x));
 */
export function typed(client: ContractHost): TypedClient {
  return new TypedClient(client);
}

function reader<Params, In, Out>(client: ContractHost, of: ChannelSet<Params, In, Out>): Reading<Params, Out> {
  const { path, schema } = of;
  return (message) => {
    const { channel } = message;
    try {
      const body = parse(schema, message.body, { what: 'body', where: channel });
      return new TypedMessage(message, path.read(channel), body);
    } catch (error) {
      const thrown = `${channel}: the contract's schema failed: ${textOf(error)}`;
      client.report(error instanceof SpokeError ? error : new SpokeError('VALIDATION', thrown, { cause: error }));
      return undefined;
    }
  };
}

// The client of Node programs takes contracts wherever it takes channels, patterns and names.

import type { Message, MessageHandler, PublishOptions, SubscribeOptions, Subscription } from '../client/index.js';
import type { Requests } from '../client/requests.js';
import type { Procedure, ProvideOptions, Provider } from '../rpc/index.js';
import type {
  ChannelAddress,
  ChannelSet,
  ServiceHandlers,
  Methods,
  ServiceAddress,
  ServiceClient,
  TypedHandler,
  TypedMessage,
  TypedSubscription,
} from '../typed/index.js';
import { isChannels, isService, typed, TypedKeptValues } from '../typed/index.js';
import { FullClient } from './full-client.js';

/** A `FullClient` with an overload by contract beside each method; with texts they do what they always did. */
export class ContractClient extends FullClient {
  declare readonly kept: TypedKeptValues;
  readonly #typed = typed(this);

  override publish(channel: string, body?: unknown, options?: PublishOptions): Promise<void>;
  /** Publishes by a contract: see `TypedClient.publish`. */
  override publish<In>(to: ChannelAddress<unknown, In>, body: NoInfer<In>, options?: PublishOptions): Promise<void>;
  override publish(to: string | ChannelAddress, body?: unknown, options?: PublishOptions): Promise<void> {
    // Asked of every message: the cheapest question first.
    if (typeof to === 'string' || !isChannels(to)) return super.publish(to, body, options);
    return this.#typed.publish(to, body, options);
  }

  override subscribe(pattern: string, handler?: MessageHandler, options?: SubscribeOptions): Promise<Subscription>;
  /** Subscribes by a contract: see `TypedClient.subscribe`. */
  override subscribe<Params, In, Out>(
    to: ChannelSet<Params, In, Out>,
    handler?: TypedHandler<Params, Out>,
    options?: SubscribeOptions,
  ): Promise<TypedSubscription<Params, Out>>;
  override async subscribe(
    to: string | ChannelSet,
    handler?: (message: never) => unknown,
    options?: SubscribeOptions,
  ): Promise<unknown> {
    // The overloads have seen to it that the handler takes what comes.
    if (isChannels(to)) return this.#typed.subscribe(to, handler as TypedHandler<unknown, unknown>, options);
    return super.subscribe(to, handler as MessageHandler, options);
  }

  override messages(pattern: string, options?: SubscribeOptions): AsyncGenerator<Message, void, undefined>;
  /** The messages of a contract: see `TypedClient.messages`. */
  override messages<Params, In, Out>(
    of: ChannelSet<Params, In, Out>,
    options?: SubscribeOptions,
  ): AsyncGenerator<TypedMessage<Params, Out>, void, undefined>;
  override messages(of: string | ChannelSet, options?: SubscribeOptions): AsyncGenerator<unknown, void, undefined> {
    return isChannels(of) ? this.#typed.messages(of, options) : super.messages(of, options);
  }

  override provide<A = never, R = unknown>(
    name: string,
    procedure: Procedure<A, R>,
    options?: ProvideOptions,
  ): Promise<Provider>;
  /** Provides a service by its contract: see `TypedClient.provide`. */
  override provide<M extends Methods>(
    service: ServiceAddress<M>,
    handlers: NoInfer<ServiceHandlers<M>>,
    options?: ProvideOptions,
  ): Promise<Provider>;
  override async provide(
    name: string | ServiceAddress,
    handlers: unknown,
    options?: ProvideOptions,
  ): Promise<Provider> {
    if (isService(name)) return this.#typed.provide(name, handlers as ServiceHandlers<Methods, []>, options);
    return super.provide(name, handlers as Procedure, options);
  }

  /** The methods of a service as functions: see `TypedClient.use`. */
  use<M extends Methods>(service: ServiceAddress<M>): ServiceClient<M> {
    return this.#typed.use(service);
  }

  /** @internal */
  protected override makeKept(requests: Requests): TypedKeptValues {
    return new TypedKeptValues(requests, (channel, body, how) => this.publish(channel, body, how));
  }
}

// Under which name each part is found in a container.

import type { ServiceIdentifier } from 'inversify';

import type {
  Authenticator,
  Authorizer,
  Backplane,
  Clock,
  Codec,
  Limits,
  Logger,
  MessageStore,
  Transport,
} from '../contracts/index.js';
import type { SpokeOptions } from './options.js';

/** What `TOKENS` holds. Each name carries its type, so that `container.get(TOKENS.Logger)` is a `Logger`. */
export interface Tokens {
  /**
   * Many. Broker and client alike find the one that serves the scheme of a URL. `bind` adds one; `rebind` replaces all.
   * Default: those that work between processes, and one `MemoryTransport` per container.
   */
  readonly Transport: ServiceIdentifier<Transport>;
  /**
   * Many: what the broker understands, and what `options.codec` can name. `bind` adds one; `rebind` replaces all.
   * Default: all that come with the package.
   */
  readonly Codec: ServiceIdentifier<Codec>;
  /** One: what the client speaks. Default: the `Codec` whose name is `options.codec`, else `json`. */
  readonly ClientCodec: ServiceIdentifier<Codec>;
  /** One: where the broker keeps persistent messages. It opens the store and closes it. Default: as `options.store` says. */
  readonly MessageStore: ServiceIdentifier<MessageStore>;
  /**
   * One or none: what joins the broker to others, as `new NatsBackplane(...)` of `spoke/nats`. Not bound by default, and then it is
   * alone. The broker opens it and closes it.
   */
  readonly Backplane: ServiceIdentifier<Backplane>;
  /** One, for broker and client. Default: `options.limits` completed by `DEFAULT_LIMITS`. */
  readonly Limits: ServiceIdentifier<Limits>;
  /** One. Default: silent. */
  readonly Logger: ServiceIdentifier<Logger>;
  /** One, for broker, client and calls. Default: the system's. */
  readonly Clock: ServiceIdentifier<Clock>;
  /** One or none: who may connect. Not bound by default, and then the broker lets everyone in. */
  readonly Authenticator: ServiceIdentifier<Authenticator>;
  /** One or none: who may do what. Not bound by default, and then everyone may do everything. */
  readonly Authorizer: ServiceIdentifier<Authorizer>;
  /**
   * Many or none: objects with methods under `@method` or `@subscriber`, or made by `providerOf` and `subscriberOf`. Each is
   * made once, when `Handlers` is asked for.
   */
  readonly Handler: ServiceIdentifier<object>;
  /** One: the options that the module was made with. `rebind` it before the first broker or client is asked for. */
  readonly Options: ServiceIdentifier<SpokeOptions>;
}

/**
 * The names under which a container finds what can be plugged in. The same in every copy of the package in a process.
 * `Broker`, `Client`, `RpcService`, `Handlers`, `Bridge` and `Proxy` are their own names.
 */
export const TOKENS: Tokens = Object.freeze({
  Transport: Symbol.for('spoke.Transport'),
  Codec: Symbol.for('spoke.Codec'),
  ClientCodec: Symbol.for('spoke.ClientCodec'),
  MessageStore: Symbol.for('spoke.MessageStore'),
  Backplane: Symbol.for('spoke.Backplane'),
  Limits: Symbol.for('spoke.Limits'),
  Logger: Symbol.for('spoke.Logger'),
  Clock: Symbol.for('spoke.Clock'),
  Authenticator: Symbol.for('spoke.Authenticator'),
  Authorizer: Symbol.for('spoke.Authorizer'),
  Handler: Symbol.for('spoke.Handler'),
  Options: Symbol.for('spoke.Options'),
});

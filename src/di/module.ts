// The module that makes a broker and a client part of an application's container.

import type { BindToFluentSyntax, ResolutionContext, ServiceIdentifier } from 'inversify';
import { ContainerModule } from 'inversify';

import { Broker } from '../broker/index.js';
import { findCodec } from '../codecs/index.js';
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
import { silentLogger, withDefaults } from '../contracts/index.js';
import { systemClock } from '../link/index.js';
import { Client, defaultCodecs, defaultTransports } from '../node/index.js';
import { RpcService } from '../rpc/index.js';
import { storeAt } from '../stores/index.js';
import { MemoryTransport } from '../transports/index.js';
import { bindBridging } from './bridging.js';
import { Handlers } from './handlers/index.js';
import { Lifecycle } from './lifecycle.js';
import type { SpokeOptions } from './options.js';
import { requireOptions } from './options.js';
import { TOKENS } from './tokens.js';

const BROKER: ServiceIdentifier<Lifecycle<Broker>> = Symbol('spoke.Lifecycle<Broker>');
const CLIENT: ServiceIdentifier<Lifecycle<Client>> = Symbol('spoke.Lifecycle<Client>');
const HANDLERS: ServiceIdentifier<Lifecycle<Handlers>> = Symbol('spoke.Lifecycle<Handlers>');

// Chained: also those that an application has bound in a parent of the container.
const ALL_TRANSPORTS = { serviceIdentifier: TOKENS.Transport, isMultiple: true, chained: true } as const;
const ALL_HANDLERS = { chained: true, optional: true };
const ALL_CODECS = { serviceIdentifier: TOKENS.Codec, isMultiple: true, chained: true } as const;

/** What has been made in one container, for the order in which it ends. */
interface Made {
  client?: Lifecycle<Client>;
  handlers?: Lifecycle<Handlers>;
}

/**
 * A module for an inversify container: one broker, one client, a bridge and a proxy where wanted, and the parts they are made of under `TOKENS`.
 * Nothing is opened until it is asked for.
 *
 * **Getting.** `await container.getAsync(Broker)` is a broker that listens on `options.listen`; `await
 * container.getAsync(Client)` a client connected to `options.url`; `await container.getAsync(RpcService)` that client's
 * remote calls. `Bridge` and `Proxy` can be had likewise, when `options.bridge` and `options.proxy` say between what. Each is one object, however often it is asked for or injected. They take time to start, and so does
 * everything into which they are injected: use `getAsync` for all of it. Once started, `get` works too. A start that
 * failed (a port in use, say) is the rejection of `getAsync`, leaves nothing open, and is final like any singleton: to
 * try again, unload the module and load it again.
 *
 * **Handlers.** Bind classes with `@provider`, `@method` and `@subscriber`, or what `providerOf` and `subscriberOf` make of
 * plain functions, to `TOKENS.Handler`; `await container.getAsync(Handlers)` makes them, with all that they inject, and
 * starts them on the client.
 *
 * **Choosing parts.** `container.bind(TOKENS.Transport).to(MyTransport)` and `container.bind(TOKENS.Codec)` add to what is
 * there. The others are one each: bind them before the module is loaded, and the module leaves them alone, or
 * `container.rebind(TOKENS.Logger).toConstantValue(logger)` afterwards. `Authenticator` and `Authorizer` are simply bound. All
 * this before the first `getAsync`; what runs already keeps its parts.
 *
 * **Ending.** `await container.unloadAsync(module)` or `await container.unbindAllAsync()` closes handlers, client, broker and
 * store, in this order, and leaves nothing open. (`unload` and `unbindAll` without `Async` refuse once something was started, and
 * `container.unbindAsync(Broker)` only forgets the name.) What uses them in its own deactivation should be in a module
 * of its own and be unloaded first.
 *
 * Several brokers in one process: a container each, or child containers of one that holds what they share; or
 * `new Broker(...)`, which knows no container.
 *
 * @throws {TypeError} for a wrong option; from `container.load` when a container has this module already.
 *
 * @example
 * container.load(spokeModule({ listen: ['tcp://:7181'] }));
 * container.bind(TOKENS.Transport).to(SerialPortTransport);
 * container.rebind(TOKENS.Logger).toConstantValue(logger);
 * const broker = await container.getAsync(Broker);
 */
export function spokeModule(options: SpokeOptions = {}): ContainerModule {
  requireOptions(options);
  return new ContainerModule(({ bind, isBound }) => {
    const made: Made = {};
    if (isBound(BROKER)) {
      throw new TypeError(
        'spokeModule: this container, or a parent of it, has the module already and with it its broker and client; ' +
          'use another container for others',
      );
    }
    const bindDefault = <T>(token: ServiceIdentifier<T>, to: (binding: BindToFluentSyntax<T>) => void) => {
      if (!isBound(token)) to(bind(token));
    };

    bind(TOKENS.Options).toConstantValue(options);
    for (const transport of [...defaultTransports(), new MemoryTransport()]) {
      bind(TOKENS.Transport).toConstantValue(transport);
    }
    for (const codec of defaultCodecs()) bind(TOKENS.Codec).toConstantValue(codec);
    bindDefault(TOKENS.ClientCodec, (binding) =>
      binding
        .toResolvedValue(
          ({ codec = 'json' }: SpokeOptions, codecs: Codec[]) => findCodec(codecs, codec),
          [TOKENS.Options, ALL_CODECS],
        )
        .inSingletonScope(),
    );
    bindDefault(TOKENS.MessageStore, (binding) =>
      binding
        .toResolvedValue(({ store = 'memory:' }: SpokeOptions) => storeAt(store), [TOKENS.Options])
        .inSingletonScope(),
    );
    bindDefault(TOKENS.Limits, (binding) =>
      binding.toResolvedValue(({ limits }: SpokeOptions) => withDefaults(limits), [TOKENS.Options]).inSingletonScope(),
    );
    bindDefault(TOKENS.Logger, (binding) => binding.toConstantValue(silentLogger));
    bindDefault(TOKENS.Clock, (binding) => binding.toConstantValue(systemClock));

    bind(BROKER)
      .toResolvedValue(
        (...parts: BrokerParts) => brokerLifecycle(() => made.client?.close(), ...parts),
        [
          TOKENS.Options,
          ALL_TRANSPORTS,
          ALL_CODECS,
          TOKENS.MessageStore,
          TOKENS.Limits,
          TOKENS.Logger,
          TOKENS.Clock,
          { serviceIdentifier: TOKENS.Authenticator, optional: true },
          { serviceIdentifier: TOKENS.Authorizer, optional: true },
          { serviceIdentifier: TOKENS.Backplane, optional: true },
        ],
      )
      .inSingletonScope()
      .onDeactivation((lifecycle) => lifecycle.close());
    bind(CLIENT)
      .toResolvedValue(
        (...parts: ClientParts) => (made.client = clientLifecycle(() => made.handlers?.close(), ...parts)),
        [TOKENS.Options, ALL_TRANSPORTS, TOKENS.ClientCodec, TOKENS.Limits, TOKENS.Clock],
      )
      .inSingletonScope()
      .onDeactivation((lifecycle) => lifecycle.close());

    bind(HANDLERS)
      .toDynamicValue((context) => (made.handlers = handlersLifecycle(context)))
      .inSingletonScope()
      .onDeactivation((lifecycle) => lifecycle.close());

    // The one object is kept by the lifecycle; see there why not by the container.
    bind(Broker)
      .toResolvedValue((lifecycle: Lifecycle<Broker>) => lifecycle.running(), [BROKER])
      .inTransientScope();
    bind(Client)
      .toResolvedValue((lifecycle: Lifecycle<Client>) => lifecycle.running(), [CLIENT])
      .inTransientScope();
    bind(Handlers)
      .toResolvedValue((lifecycle: Lifecycle<Handlers>) => lifecycle.running(), [HANDLERS])
      .inTransientScope();
    bind(RpcService)
      .toResolvedValue((client: Client) => client.rpc, [Client])
      .inTransientScope();
    bindBridging(bind);
  });
}

type BrokerParts = [
  options: SpokeOptions,
  transports: Transport[],
  codecs: Codec[],
  store: MessageStore,
  limits: Limits,
  logger: Logger,
  clock: Clock,
  authenticator: Authenticator | undefined,
  authorizer: Authorizer | undefined,
  backplane: Backplane | undefined,
];

function brokerLifecycle(
  before: () => Promise<void> | undefined,
  ...[options, transports, codecs, store, limits, logger, clock, authenticator, authorizer, backplane]: BrokerParts
): Lifecycle<Broker> {
  const { listen, closeTimeout, access } = requireOptions(options);
  return new Lifecycle(
    () =>
      new Broker({
        transports,
        codecs,
        store,
        limits,
        logger,
        clock,
        ...(listen !== undefined && { listen }),
        ...(access !== undefined && { access }),
        ...(closeTimeout !== undefined && { closeTimeout }),
        ...(authenticator !== undefined && { authenticator }),
        ...(authorizer !== undefined && { authorizer }),
        ...(backplane !== undefined && { backplane }),
      }),
    (broker) => broker.open(),
    before,
  );
}

type ClientParts = [options: SpokeOptions, transports: Transport[], codec: Codec, limits: Limits, clock: Clock];

function clientLifecycle(
  before: () => Promise<void> | undefined,
  ...[options, transports, codec, limits, clock]: ClientParts
): Lifecycle<Client> {
  const { url, reconnect, timeout, heartbeat, callTimeout } = requireOptions(options);
  return new Lifecycle(
    () =>
      new Client({
        transports,
        codec,
        limits,
        clock,
        ...(typeof url === 'string' || isList(url) ? { url } : url),
        ...(reconnect !== undefined && { reconnect }),
        ...(heartbeat !== undefined && { heartbeat }),
        ...(callTimeout !== undefined && { callTimeout }),
      }),
    (client) => client.connect(timeout === undefined ? {} : { timeout }),
    before,
  );
}

// The handlers are looked for when they start: a failure to make one must not be kept by the container (lifecycle.ts).
function handlersLifecycle(context: ResolutionContext): Lifecycle<Handlers> {
  const { handlerTimeout } = requireOptions(context.get(TOKENS.Options));
  const clock = context.get(TOKENS.Clock);
  return new Lifecycle(
    () => new Handlers({ clock, ...(handlerTimeout !== undefined && { timeout: handlerTimeout }) }),
    async (handlers) =>
      handlers.start(await context.getAsync(Client), await context.getAllAsync(TOKENS.Handler, ALL_HANDLERS)),
  );
}

// Array.isArray does not know lists that are read-only.
function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value);
}

// Bridge and Proxy in a container.

import type { Bind, ServiceIdentifier } from 'inversify';

import { Bridge, Proxy } from '../bridge/index.js';
import { findCodec } from '../codecs/index.js';
import type { Clock, Codec, Limits, Logger, Transport } from '../contracts/index.js';
import { Lifecycle } from './lifecycle.js';
import type { SpokeOptions } from './options.js';
import { requireOptions } from './options.js';
import { TOKENS } from './tokens.js';

const BRIDGE: ServiceIdentifier<Lifecycle<Bridge>> = Symbol('spoke.Lifecycle<Bridge>');
const PROXY: ServiceIdentifier<Lifecycle<Proxy>> = Symbol('spoke.Lifecycle<Proxy>');

const ALL_TRANSPORTS = { serviceIdentifier: TOKENS.Transport, isMultiple: true, chained: true } as const;
const ALL_CODECS = { serviceIdentifier: TOKENS.Codec, isMultiple: true, chained: true } as const;

/** Binds both: made, started and ended as brokers and clients are. */
export function bindBridging(bind: Bind): void {
  bind(BRIDGE)
    .toResolvedValue(bridgeLifecycle, [TOKENS.Options, ALL_TRANSPORTS, ALL_CODECS, TOKENS.Limits, TOKENS.Clock])
    .inSingletonScope()
    .onDeactivation((lifecycle) => lifecycle.close());
  bind(PROXY)
    .toResolvedValue(proxyLifecycle, [
      TOKENS.Options,
      ALL_TRANSPORTS,
      ALL_CODECS,
      TOKENS.Limits,
      TOKENS.Logger,
      TOKENS.Clock,
    ])
    .inSingletonScope()
    .onDeactivation((lifecycle) => lifecycle.close());
  bind(Bridge)
    .toResolvedValue((lifecycle: Lifecycle<Bridge>) => lifecycle.running(), [BRIDGE])
    .inTransientScope();
  bind(Proxy)
    .toResolvedValue((lifecycle: Lifecycle<Proxy>) => lifecycle.running(), [PROXY])
    .inTransientScope();
}

function bridgeLifecycle(
  options: SpokeOptions,
  transports: Transport[],
  codecs: Codec[],
  limits: Limits,
  clock: Clock,
): Lifecycle<Bridge> {
  const { bridge, timeout } = requireOptions(options);
  if (bridge === undefined) throw new TypeError('options.bridge says which brokers are to be joined; it is missing');
  const { codec1 = 'json', codec2 = 'json', ...rest } = bridge;
  const [one, two] = [findCodec(codecs, codec1), findCodec(codecs, codec2)];
  return new Lifecycle(
    () => new Bridge({ ...rest, codec1: one, codec2: two, transports, limits, clock }),
    (made) => made.start(timeout === undefined ? {} : { timeout }),
  );
}

function proxyLifecycle(
  options: SpokeOptions,
  transports: Transport[],
  codecs: Codec[],
  limits: Limits,
  logger: Logger,
  clock: Clock,
): Lifecycle<Proxy> {
  const { proxy, timeout } = requireOptions(options);
  if (proxy === undefined) throw new TypeError('options.proxy says what is to be shown, and where; it is missing');
  const codec = findCodec(codecs, proxy.codec ?? 'json');
  return new Lifecycle(
    () => new Proxy({ ...proxy, codec, codecs, transports, limits, logger, clock }),
    (made) => made.start(timeout === undefined ? {} : { timeout }),
  );
}

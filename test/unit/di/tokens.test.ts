import { expect, it } from '@jest/globals';
import { Container } from 'inversify';

import type {
  Authenticator,
  Authorizer,
  Clock,
  Codec,
  Limits,
  Logger,
  MessageStore,
  Transport,
} from '../../../src/contracts/index.js';
import { createContainer, TOKENS } from '../../../src/di/index.js';
import type { SpokeOptions } from '../../../src/di/index.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const typed = <_ extends true>() => {};

it('tokens carry their types, so that what a container gives needs no cast', () => {
  const get = () => {
    const container = new Container();
    return {
      transports: container.getAll(TOKENS.Transport),
      codecs: container.getAll(TOKENS.Codec),
      clientCodec: container.get(TOKENS.ClientCodec),
      store: container.get(TOKENS.MessageStore),
      limits: container.get(TOKENS.Limits),
      logger: container.get(TOKENS.Logger),
      clock: container.get(TOKENS.Clock),
      authenticator: container.get(TOKENS.Authenticator),
      authorizer: container.get(TOKENS.Authorizer, { optional: true }),
      options: container.get(TOKENS.Options),
    };
  };
  typed<
    Same<
      ReturnType<typeof get>,
      {
        transports: Transport[];
        codecs: Codec[];
        clientCodec: Codec;
        store: MessageStore;
        limits: Limits;
        logger: Logger;
        clock: Clock;
        authenticator: Authenticator;
        authorizer: Authorizer | undefined;
        options: SpokeOptions;
      }
    >
  >();
});

it('tokens refuse to be bound to something else', () => {
  const container = createContainer();
  // @ts-expect-error -- a clock is no logger
  container.rebind(TOKENS.Logger).toConstantValue(container.get(TOKENS.Clock));
  // @ts-expect-error -- a map is no transport
  container.bind(TOKENS.Transport).toResolvedValue(() => new Map());
});

it('tokens are the same in every copy of the package, and cannot be changed', () => {
  expect(TOKENS.Logger).toBe(Symbol.for('spoke.Logger'));
  expect(new Set(Object.values(TOKENS)).size).toBe(Object.keys(TOKENS).length);
  expect(Object.isFrozen(TOKENS)).toBe(true);
});

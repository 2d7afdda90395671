// The same as the decorators say, of plain functions.

import type { MessageHandler } from '../../client/index.js';
import type { ChannelSet, Methods, ServiceAddress, ServiceHandlers, TypedHandler } from '../../typed/index.js';
import type { AnyProcedure, MethodOptions, SubscriberOptions } from './marks.js';
import { markMethod, markProvider } from './marks.js';
import { providerMarkOf, requirePattern, requireProcedureName } from './names.js';

/**
 * An object for `TOKENS.Handler` that provides one procedure, or several below one name, made of functions.
 * @param procedures - a function: the procedure `name`; or functions by name: the procedures `name/…`.
 * @param options - those of `client.provide`.
 * @throws {TypeError} for a name with a wildcard, or something that is no function.
 *
 * @example
 * container.bind(TOKENS.Handler).toConstantValue(providerOf('math/square', (x: number) => x * x));
 * container
 *   .bind(TOKENS.Handler)
 *   .toResolvedValue((tables: Tables) => providerOf('math', { log: (x: number) => tables.log(x) }), [Tables]);
 */
export function providerOf(
  name: string,
  procedures: AnyProcedure | Readonly<Record<string, AnyProcedure>>,
  options?: MethodOptions,
): object;
/** An object for `TOKENS.Handler` that provides a service by its contract: see `client.provide`. */
export function providerOf<M extends Methods>(
  service: ServiceAddress<M>,
  handlers: NoInfer<ServiceHandlers<M>>,
  options?: MethodOptions,
): object;
export function providerOf(
  of: string | ServiceAddress,
  procedures: AnyProcedure | Readonly<Record<string, AnyProcedure>>,
  options: MethodOptions = {},
): object {
  const mark = providerMarkOf('providerOf', of, options);
  const alone = typeof procedures === 'function';
  const handler = alone ? { procedure: procedures } : { ...procedures };
  markProvider(handler, mark);
  if (mark.service !== undefined) return handler;
  for (const [key, procedure] of Object.entries(handler)) {
    if (typeof procedure !== 'function') throw new TypeError(`providerOf: ${mark.name}/${key} must be a function`);
    const name = alone ? '' : requireProcedureName('providerOf', key);
    markMethod(handler, key, { kind: 'method', name, options: {} });
  }
  return handler;
}

/**
 * An object for `TOKENS.Handler` that gives the messages of `pattern` to a function.
 * @param options - those of `client.subscribe`.
 * @throws {TypeError} for a pattern that is no text, or a handler that is no function.
 */
export function subscriberOf<T = unknown>(
  pattern: string,
  handler: MessageHandler<T>,
  options?: SubscriberOptions,
): object;
/** An object for `TOKENS.Handler` that gives the messages of a contract to a function: see `client.subscribe`. */
export function subscriberOf<Params, In, Out>(
  channels: ChannelSet<Params, In, Out>,
  handler: TypedHandler<Params, Out>,
  options?: SubscriberOptions,
): object;
export function subscriberOf(
  to: string | ChannelSet,
  handler: (message: never) => unknown,
  options: SubscriberOptions = {},
): object {
  if (typeof handler !== 'function') throw new TypeError('subscriberOf: the handler must be a function');
  const object = { handler };
  markMethod(object, 'handler', {
    kind: 'subscriber',
    to: requirePattern('subscriberOf', to),
    options,
  });
  return object;
}

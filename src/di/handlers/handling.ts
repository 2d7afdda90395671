// What one object handles: its marks, with names that are complete and functions that know their object.

import type { MessageHandler } from '../../client/index.js';
import type { Procedure } from '../../rpc/index.js';
import type { ChannelSet, ServiceAddress, TypedHandler } from '../../typed/index.js';
import { isChannels } from '../../typed/index.js';
import type { Mark, MethodOptions, ProviderMark, SubscriberOptions } from './marks.js';
import { methodMarks, providerMark } from './marks.js';

/** `where` is for errors: `Calculator.square`. */
export type Handling =
  | {
      readonly kind: 'method';
      readonly where: string;
      readonly name: string;
      readonly run: Procedure;
      readonly options: MethodOptions;
    }
  | {
      readonly kind: 'subscriber';
      readonly where: string;
      readonly to: string;
      readonly run: MessageHandler;
      readonly options: SubscriberOptions;
    }
  | {
      readonly kind: 'channels';
      readonly where: string;
      readonly to: ChannelSet;
      readonly run: TypedHandler<unknown, unknown>;
      readonly options: SubscriberOptions;
    }
  | {
      readonly kind: 'service';
      readonly where: string;
      readonly service: ServiceAddress;
      readonly run: Readonly<Record<string, (...given: readonly unknown[]) => unknown>>;
      readonly options: MethodOptions;
    };

/** @throws {TypeError} when nothing is marked, or what is marked cannot be used. */
export function handlingsOf(object: object): Handling[] {
  const owner = nameOf(object);
  const named = providerMark(object);
  const handlings: Handling[] = [...methodMarks(object)].flatMap(([key, marks]) =>
    marks.map((mark) => handlingOf(object, `${owner}.${String(key)}`, key, mark, named)),
  );
  if (named?.service !== undefined) handlings.push(serviceOf(object, owner, named.service, named.options));
  if (handlings.length > 0) return handlings;
  throw new TypeError(
    `${owner} handles nothing: a handler has methods with @method() or @subscriber(…), or is made by providerOf or subscriberOf`,
  );
}

function handlingOf(
  object: object,
  where: string,
  key: string | symbol,
  mark: Mark,
  named: ProviderMark | undefined,
): Handling {
  const call = methodOf(object, key);
  if (mark.kind === 'subscriber') {
    const { to, options } = mark;
    if (isChannels(to)) return { kind: 'channels', where, to, run: call, options };
    return { kind: 'subscriber', where, to, run: call, options };
  }
  if (named === undefined) throw new TypeError(`${where} has @method(), but its class has no @provider(name)`);
  const last = mark.name ?? key;
  if (typeof last === 'symbol') throw new TypeError(`${where}: give the procedure a name: @method(name)`);
  const name = last === '' ? named.name : `${named.name}/${last}`;
  return { kind: 'method', where, name, run: call, options: { ...named.options, ...mark.options } };
}

function serviceOf(object: object, owner: string, service: ServiceAddress, options: MethodOptions): Handling {
  const names = Object.keys(service.methods);
  for (const name of names) {
    if (typeof Reflect.get(object, name) !== 'function')
      throw new TypeError(`${owner} provides the service ${service.prefix}, but has no method ${name}`);
  }
  const run = Object.fromEntries(names.map((name) => [name, methodOf(object, name)]));
  return { kind: 'service', where: owner, service, run, options };
}

function methodOf(object: object, key: string | symbol) {
  return (...given: readonly unknown[]): unknown => {
    const method: unknown = Reflect.get(object, key);
    return typeof method === 'function' ? (Reflect.apply(method, object, given) as unknown) : undefined;
  };
}

function nameOf(object: object): string {
  const { constructor: made } = object;
  return typeof made === 'function' && made !== Object && made.name !== '' ? made.name : 'a handler';
}

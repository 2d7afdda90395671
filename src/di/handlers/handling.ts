// What one object handles: its marks, with names that are complete and functions that know their object.

import type { MessageHandler } from '../../client/index.js';
import type { Procedure } from '../../rpc/index.js';
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
      readonly pattern: string;
      readonly run: MessageHandler;
      readonly options: SubscriberOptions;
    };

/** @throws {TypeError} when nothing is marked, or what is marked cannot be used. */
export function handlingsOf(object: object): Handling[] {
  const owner = nameOf(object);
  const named = providerMark(object);
  const handlings = [...methodMarks(object)].flatMap(([key, marks]) =>
    marks.map((mark) => handlingOf(object, `${owner}.${String(key)}`, key, mark, named)),
  );
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
  const call = (...given: unknown[]): unknown => {
    const method: unknown = Reflect.get(object, key);
    return typeof method === 'function' ? (Reflect.apply(method, object, given) as unknown) : undefined;
  };
  if (mark.kind === 'subscriber') return { ...mark, where, run: call };
  if (named === undefined) throw new TypeError(`${where} has @method(), but its class has no @provider(name)`);
  const last = mark.name ?? key;
  if (typeof last === 'symbol') throw new TypeError(`${where}: give the procedure a name: @method(name)`);
  const name = last === '' ? named.name : `${named.name}/${last}`;
  return { kind: 'method', where, name, run: call, options: { ...named.options, ...mark.options } };
}

function nameOf(object: object): string {
  const { constructor: made } = object;
  return typeof made === 'function' && made !== Object && made.name !== '' ? made.name : 'a handler';
}

// Classes whose methods answer calls and get messages. For both kinds of decorators: TypeScript's `experimentalDecorators`,
// which inversify's own `@inject` needs, and those of the language.

import type { ChannelSet, Methods, ServiceAddress, ServiceHandlers, TypedHandler } from '../../typed/index.js';
import { providerMarkOf, requirePattern, requireProcedureName } from './names.js';
import type { AnyHandler, AnyProcedure, Mark, MethodOptions, SubscriberOptions } from './marks.js';
import { markMethod, markProvider } from './marks.js';

/** A decorator of methods that take `F`, of either kind. */
export interface MethodDecoratorOf<F> {
  <M extends F>(prototype: object, key: string | symbol, descriptor: TypedPropertyDescriptor<M>): void;
  <M extends F>(method: M, context: ClassMethodDecoratorContext): void;
}

/** A decorator of classes, of either kind. */
export type HandlerClassDecorator<H extends object = object> = (target: new (...args: never[]) => H) => void;

/**
 * The methods of this class that have `@method()` are procedures `name/…`. Bind it to `TOKENS.Handler`; it runs once
 * `Handlers` was asked for. A class that is made from this one has the same name, unless it says another.
 * @param options - of all its methods: those of `client.provide`.
 * @throws {TypeError} when the name is empty or holds a wildcard.
 *
 * @example
 * @provider('math')
 * class Calculator {
 *   constructor(@inject(Tables) private readonly tables: Tables) {}
 *   @method() square(x: number) { return x * x; }            // math/square
 *   @method('log') logarithm(x: number) { return this.tables.log(x); } // math/log
 *   @subscriber('sensors/*\/temp') warm({ channel, body }: Message<number>) {}
 * }
 */
export function provider(name: string, options?: MethodOptions): HandlerClassDecorator;
/**
 * This class has all methods of a contract, as `client.provide` wants them: they need no `@method()`, and a class that does not
 * fit does not compile.
 *
 * @example
 * const math = service('math', { square: method<number, number>() });
 *
 * @provider(math)
 * class Calculator {
 *   square(x: number): number { return x * x; }
 * }
 */
export function provider<M extends Methods>(
  service: ServiceAddress<M>,
  options?: MethodOptions,
): HandlerClassDecorator<ServiceHandlers<M>>;
export function provider(of: string | ServiceAddress, options: MethodOptions = {}): HandlerClassDecorator {
  const mark = providerMarkOf('@provider', of, options);
  return (target) => markProvider(target, mark);
}

/**
 * This method is a procedure of the class, which needs `@provider(…)`. It is called with the argument of each call; what it
 * returns, also as a promise, is the result. See `client.provide`.
 * @param name - below that of the class. Default: the name of the method.
 * @param options - those of `client.provide`. Default: those of the class.
 * @throws {TypeError} when the name is empty or holds a wildcard.
 */
export function method(name?: string, options: MethodOptions = {}): MethodDecoratorOf<AnyProcedure> {
  const given = name === undefined ? undefined : requireProcedureName('@method', name);
  return decorator('@method', { kind: 'method', name: given, options });
}

/**
 * This method gets the messages of `pattern`, as a handler of `client.subscribe` does. The class needs no `@provider`.
 * May stand several times above one method.
 * @throws {TypeError} when the pattern is no text.
 */
export function subscriber(pattern: string, options?: SubscriberOptions): MethodDecoratorOf<AnyHandler>;
/** This method gets the messages of a contract: parameters parsed, body checked. */
export function subscriber<Params, In, Out>(
  channels: ChannelSet<Params, In, Out>,
  options?: SubscriberOptions,
): MethodDecoratorOf<TypedHandler<Params, Out>>;
export function subscriber(to: string | ChannelSet, options: SubscriberOptions = {}): MethodDecoratorOf<AnyHandler> {
  return decorator('@subscriber', { kind: 'subscriber', to: requirePattern('@subscriber', to), options });
}

function decorator(where: string, mark: Mark) {
  return (target: object, second: string | symbol | ClassMethodDecoratorContext): void => {
    if (typeof second !== 'object') {
      if (typeof target === 'function')
        throw new TypeError(`${where}: ${String(second)} is static; it needs an object`);
      markMethod(target, second, mark);
      return;
    }
    const { kind, name, static: isStatic, private: isPrivate } = second;
    if (kind !== 'method' || isStatic || isPrivate)
      throw new TypeError(`${where}: ${String(name)} must be a method that is neither private nor static`);
    second.addInitializer(function (this: unknown) {
      if (typeof this === 'object' && this !== null) markMethod(this, name, mark);
    });
  };
}

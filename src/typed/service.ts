// Contracts of services: the procedures below one name, what they take, give back and fail with.

import { canonical, isPattern } from '../channels/index.js';
import type { ParamsOf, ParamValues } from './path.js';
import { Path } from './path.js';
import type { StandardSchema } from './schema.js';
import { isSchema, UNCHECKED } from './schema.js';

/** The errors a procedure declares: by their codes, what their data is. */
export type ErrorSchemas = Readonly<Record<string, StandardSchema>>;

export interface MethodContractOptions<E extends ErrorSchemas = ErrorSchemas> {
  /** Errors that callers may want to tell apart: see `failure` and `failureOf`. */
  readonly errors?: E;
  /** For people: goes into the AsyncAPI document. */
  readonly description?: string;
}

/** One procedure: made by `method`, or by `stream`. */
export class ProcedureContract<
  Kind extends 'method' | 'stream' = 'method' | 'stream',
  I extends StandardSchema = StandardSchema,
  O extends StandardSchema = StandardSchema,
  E extends ErrorSchemas = ErrorSchemas,
> {
  readonly kind: Kind;
  readonly input: I;
  /** Of a stream: each item. */
  readonly output: O;
  readonly errors: E;
  readonly description: string | undefined;

  /** @internal */
  constructor(kind: Kind, input: I, output: O, errors: E, description: string | undefined) {
    this.kind = kind;
    this.input = input;
    this.output = output;
    this.errors = errors;
    this.description = description;
  }
}

/** A procedure that answers once. */
export type MethodContract<
  I extends StandardSchema = StandardSchema,
  O extends StandardSchema = StandardSchema,
  E extends ErrorSchemas = ErrorSchemas,
> = ProcedureContract<'method', I, O, E>;

/** A procedure that answers with a stream. */
export type StreamContract<
  I extends StandardSchema = StandardSchema,
  O extends StandardSchema = StandardSchema,
  E extends ErrorSchemas = ErrorSchemas,
> = ProcedureContract<'stream', I, O, E>;

/** No errors are declared. */
export type NoErrors = Readonly<Record<never, never>>;

/** What a service has, by name. */
export type Methods = Readonly<Record<string, ProcedureContract>>;

/** A procedure of a service that takes nothing and gives nothing back. */
export function method(): MethodContract<StandardSchema<void>, StandardSchema<void>, NoErrors>;
/** A procedure whose types nothing checks at run time: `method<number, number>()`. */
export function method<A, R = void>(): MethodContract<StandardSchema<A>, StandardSchema<R>, NoErrors>;
/**
 * A procedure whose argument and result are checked at run time: `method(z.number(), z.number())`.
 *
 * @param input - the argument.
 * @param output - the result. Without it results are `unknown`.
 * @throws {TypeError} when one is no Standard Schema.
 */
export function method<
  I extends StandardSchema,
  O extends StandardSchema = StandardSchema,
  E extends ErrorSchemas = NoErrors,
>(input: I, output?: O, options?: MethodContractOptions<E>): MethodContract<I, O, E>;
export function method(
  input: StandardSchema = UNCHECKED,
  output: StandardSchema = UNCHECKED,
  { errors = {}, description }: MethodContractOptions = {},
): MethodContract {
  requireSchemas('method', [input, output, ...Object.values(errors)]);
  return new ProcedureContract('method', input, output, errors, description);
}

/** A procedure that answers with a stream: `stream<Range, number>()`. Nothing checks its types at run time. */
export function stream<A, T>(): StreamContract<StandardSchema<A>, StandardSchema<T>, NoErrors>;
/**
 * A procedure that answers with a stream whose argument and items are checked at run time.
 *
 * @param input - the argument.
 * @param item - each item. Without it items are `unknown`.
 * @throws {TypeError} when one is no Standard Schema.
 */
export function stream<
  I extends StandardSchema,
  O extends StandardSchema = StandardSchema,
  E extends ErrorSchemas = NoErrors,
>(input: I, item?: O, options?: MethodContractOptions<E>): StreamContract<I, O, E>;
export function stream(
  input: StandardSchema = UNCHECKED,
  item: StandardSchema = UNCHECKED,
  { errors = {}, description }: MethodContractOptions = {},
): StreamContract {
  requireSchemas('stream', [input, item, ...Object.values(errors)]);
  return new ProcedureContract('stream', input, item, errors, description);
}

/** The procedures of one service under one name. Provide it, or use it. */
export class ServiceAddress<M extends Methods = Methods> {
  /** Canonical; `prefix/method` is the name of a procedure. */
  readonly prefix: string;
  readonly path: Path;
  readonly methods: M;

  /** @internal */
  constructor(path: Path, prefix: string, methods: M) {
    this.path = path;
    this.prefix = prefix;
    this.methods = methods;
  }
}

/** Made by `service` with a path that has parameters: a function that gives the service with some. */
export interface ServiceFamily<Params = unknown, M extends Methods = Methods> {
  readonly path: Path;
  readonly methods: M;
  /**
   * The service with these parameters: `robot({ id: 'r2' })`.
   * @throws {TypeError} for a parameter that is missing, is no single token, or has a wildcard.
   */
  (params: ParamValues<Params>): ServiceAddress<M>;
}

/** Without parameters it is a service itself. */
export type ServiceContract<Params = unknown, M extends Methods = Methods> = [keyof Params] extends [never]
  ? ServiceAddress<M>
  : ServiceFamily<Params, M>;

/**
 * Says which procedures there are below a name, once for those who provide and those who call them.
 *
 * @param path - the name; `:id` stands for one token, as in `channel`.
 * @throws {TypeError} for a path or a method that cannot be a name, and for methods that were not made by `method`.
 *
 * @example
 * const math = service('math', { square: method<number, number>() });
 * await client.provide(math, { square: (x) => x * x });
 * await client.use(math).square(3);
 */
export function service<const P extends string, M extends Methods>(
  path: P,
  methods: M,
): ServiceContract<ParamsOf<P>, M>;
export function service(path: string, methods: Methods): unknown {
  const parsed = new Path<Record<string, string>>(path);
  if (parsed.text === '') throw new TypeError('service: a service needs a name');
  for (const [name, contract] of Object.entries(methods)) {
    // A client of a service that has `then` would be taken for a promise.
    if (name === '' || name === 'then' || name !== canonical(name) || isPattern(name))
      throw new TypeError(`service ${path}: "${name}" is no name for a method`);
    if (!(contract instanceof ProcedureContract))
      throw new TypeError(`service ${path}: ${name} is no contract; write \`${name}: method(…)\``);
  }
  if (parsed.params.length === 0) return new ServiceAddress(parsed, parsed.text, methods);
  const one = (params: ParamValues<Record<string, string>>) =>
    new ServiceAddress(parsed, parsed.channel(params), methods);
  return Object.assign(one, { path: parsed, methods });
}

function requireSchemas(where: string, schemas: readonly unknown[]): void {
  if (!schemas.every(isSchema)) throw new TypeError(`${where}: give Standard Schemas, as zod makes them`);
}

/** Whether it is a service that can be provided and used. */
export function isService(value: string | ServiceAddress): value is ServiceAddress {
  return value instanceof ServiceAddress;
}

// Services by contract on a client with remote calls: both sides of them.

import { SpokeError } from '../contracts/index.js';
import type {
  CallContext,
  CallOptions,
  ProgressOptions,
  ProvideOptions,
  Provider,
  StreamOptions,
} from '../rpc/index.js';
import { RpcError } from '../rpc/index.js';
import { issuesOf, parse } from './check.js';
import type { ContractHost } from './host.js';
import type { InputOf, OutputOf } from './schema.js';
import type { Methods, ProcedureContract, ServiceAddress } from './service.js';

/** What a procedure gives back. */
export type Answer<C extends ProcedureContract> = C['kind'] extends 'stream'
  ? AsyncIterable<InputOf<C['output']>>
  : InputOf<C['output']> | Promise<InputOf<C['output']>>;

/** What provides a service: a function for each method. `Context` is what it is called with behind the argument. */
export type ServiceHandlers<M extends Methods, Context extends readonly unknown[] = [context: CallContext]> = {
  readonly [Name in keyof M]: (argument: OutputOf<M[Name]['input']>, ...context: Context) => Answer<M[Name]>;
};

/** A service as its callers see it: a function for each method. */
export type ServiceClient<M extends Methods> = {
  readonly [Name in keyof M]: M[Name]['kind'] extends 'stream'
    ? (
        argument: InputOf<M[Name]['input']>,
        options?: StreamOptions,
      ) => AsyncGenerator<OutputOf<M[Name]['output']>, void, undefined>
    : (
        argument: InputOf<M[Name]['input']>,
        options?: CallOptions & ProgressOptions,
      ) => Promise<OutputOf<M[Name]['output']>>;
};

/** Provides all methods of a service, or none. */
export async function provide(
  host: ContractHost,
  service: ServiceAddress,
  handlers: Readonly<Record<string, unknown>>,
  options?: ProvideOptions,
): Promise<Provider> {
  const { prefix, methods } = service;
  const made = Object.entries(methods).map(([method, contract]) => {
    const handler = handlers[method];
    if (typeof handler !== 'function') throw new TypeError(`provide ${prefix}: there is no function for ${method}`);
    if (contract.kind === 'stream') requireStreams(host, prefix);
    const procedure = `${prefix}/${method}`;
    const answer = async (argument: unknown, context?: unknown): Promise<unknown> => {
      const given = readArgument(contract, argument, procedure);
      // Bound to what it came from: the handlers may be an object of a class.
      const result: unknown = await Reflect.apply(handler, handlers, [given, context]);
      if (contract.kind === 'stream') return checkedItems(host, contract, result, procedure);
      requireResult(host, contract, result, procedure);
      return result;
    };
    return { procedure, answer };
  });
  const outcomes = await Promise.allSettled(
    made.map(({ procedure, answer }) => host.provide(procedure, answer, options)),
  );
  const providers = outcomes.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value);
  const close = async () => {
    await Promise.all(providers.map((provider) => provider.close()));
  };
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue;
    await close();
    throw outcome.reason;
  }
  return { name: prefix, close, [Symbol.asyncDispose]: close };
}

export function use(host: ContractHost, { prefix, methods }: ServiceAddress): object {
  const calls = Object.entries(methods).map(([method, contract]) => {
    const procedure = `${prefix}/${method}`;
    const argumentOf = { what: 'argument', where: procedure };
    const call = async (argument: unknown, options?: CallOptions): Promise<unknown> => {
      parse(contract.input, argument, argumentOf);
      const result = await host.call(procedure, argument, options);
      return parse(contract.output, result, { what: 'result', where: procedure }, 'REPLY_MALFORMED');
    };
    const read = async function* (argument: unknown, options?: StreamOptions): AsyncGenerator<unknown, void> {
      parse(contract.input, argument, argumentOf);
      for await (const item of requireStreams(host, prefix)(procedure, argument, options))
        yield parse(contract.output, item, { what: 'item', where: procedure }, 'REPLY_MALFORMED');
    };
    return [method, contract.kind === 'stream' ? read : call] as const;
  });
  return Object.fromEntries(calls);
}

type Streaming = NonNullable<ContractHost['stream']>;

/** @throws {TypeError} */
function requireStreams(host: ContractHost, prefix: string): Streaming {
  if (host.stream === undefined) throw new TypeError(`${prefix}: this client has no streams; that of Node has`);
  return (...call) => {
    if (host.stream === undefined) throw new TypeError(`${prefix}: this client has no streams`);
    return host.stream(...call);
  };
}

/** A wrong argument is the caller's mistake, who gets all that is wrong with it. */
function readArgument({ input }: ProcedureContract, argument: unknown, procedure: string): unknown {
  try {
    return parse(input, argument, { what: 'argument', where: procedure });
  } catch (error) {
    if (!(error instanceof SpokeError)) throw error;
    throw new RpcError('VALIDATION', error.message, { issues: issuesOf(error) });
  }
}

/** A wrong result is the provider's mistake: it learns what, its caller that there is none. */
function requireResult(
  host: ContractHost,
  { output, kind }: ProcedureContract,
  result: unknown,
  procedure: string,
): void {
  const what = kind === 'stream' ? 'item' : 'result';
  try {
    parse(output, result, { what, where: procedure });
  } catch (error) {
    if (!(error instanceof SpokeError)) throw error;
    host.report(error);
    throw new RpcError('REPLY_MALFORMED', `${procedure}: the provider's ${what} does not fit the contract`);
  }
}

async function* checkedItems(
  host: ContractHost,
  contract: ProcedureContract,
  items: unknown,
  procedure: string,
): AsyncGenerator<unknown, void> {
  if (!isAsyncIterable(items)) throw new TypeError(`${procedure}: the provider answered with no stream`);
  for await (const item of items) {
    requireResult(host, contract, item, procedure);
    yield item;
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

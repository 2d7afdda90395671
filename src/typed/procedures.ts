// Services by contract on a client with remote calls: both sides of them.

import { SpokeError } from '../contracts/index.js';
import type { CallOptions, ProvideOptions, Provider } from '../rpc/index.js';
import { parse } from './check.js';
import type { ContractHost } from './host.js';
import type { InputOf, OutputOf } from './schema.js';
import type { MethodContract, Methods, ServiceAddress } from './service.js';

/** What provides a service: a function for each method. */
export type ServiceHandlers<M extends Methods> = {
  readonly [Name in keyof M]: (
    argument: OutputOf<M[Name]['input']>,
  ) => InputOf<M[Name]['output']> | Promise<InputOf<M[Name]['output']>>;
};

/** A service as its callers see it: a function for each method. */
export type ServiceClient<M extends Methods> = {
  readonly [Name in keyof M]: (
    argument: InputOf<M[Name]['input']>,
    options?: CallOptions,
  ) => Promise<OutputOf<M[Name]['output']>>;
};

/** Provides all methods of a service, or none. */
export async function provide(
  client: ContractHost,
  service: ServiceAddress,
  handlers: Readonly<Record<string, unknown>>,
  options?: ProvideOptions,
): Promise<Provider> {
  const { prefix, methods } = service;
  const made = Object.entries(methods).map(([method, contract]) => {
    const handler = handlers[method];
    if (typeof handler !== 'function') throw new TypeError(`provide ${prefix}: there is no function for ${method}`);
    const procedure = `${prefix}/${method}`;
    const answer = async (argument: unknown) => {
      const given = parse(contract.input, argument, { what: 'argument', where: procedure });
      // Bound to what it came from: the handlers may be an object of a class.
      const result: unknown = await Reflect.apply(handler, handlers, [given]);
      requireResult(client, contract, result, procedure);
      return result;
    };
    return { procedure, answer };
  });
  const outcomes = await Promise.allSettled(
    made.map(({ procedure, answer }) => client.provide(procedure, answer, options)),
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

export function use(client: ContractHost, { prefix, methods }: ServiceAddress): object {
  const calls = Object.entries(methods).map(([method, contract]) => {
    const procedure = `${prefix}/${method}`;
    const call = async (argument: unknown, options?: CallOptions): Promise<unknown> => {
      parse(contract.input, argument, { what: 'argument', where: procedure });
      const result = await client.call(procedure, argument, options);
      return parse(contract.output, result, { what: 'result', where: procedure }, 'REPLY_MALFORMED');
    };
    return [method, call] as const;
  });
  return Object.fromEntries(calls);
}

/** A wrong result is the provider's mistake: it learns what, its caller that there is none. */
function requireResult(client: ContractHost, contract: MethodContract, result: unknown, procedure: string): void {
  try {
    parse(contract.output, result, { what: 'result', where: procedure });
  } catch (error) {
    if (!(error instanceof SpokeError)) throw error;
    client.report(error);
    throw new SpokeError('REPLY_MALFORMED', `${procedure}: the provider's result does not fit the contract`);
  }
}

// Errors that a procedure declares in its contract: made by providers, told apart by callers.

import { RpcError } from '../rpc/index.js';
import { parse } from './check.js';
import type { InputOf, OutputOf, StandardSchema } from './schema.js';
import type { ErrorSchemas, ProcedureContract } from './service.js';

/** An error that a procedure declares, as its callers see it. */
export type Failure<E extends ErrorSchemas> = {
  readonly [Code in keyof E & string]: {
    readonly code: Code;
    readonly message: string;
    readonly data: OutputOf<E[Code]>;
  };
}[keyof E & string];

/** What declares errors. */
export type Declaring<E extends ErrorSchemas> = Pick<
  ProcedureContract<'method' | 'stream', StandardSchema, StandardSchema, E>,
  'errors'
>;

/**
 * An error that a procedure declares, for its provider to throw.
 * @throws {SpokeError} `VALIDATION`: the data do not fit; thrown in a procedure, its caller gets that.
 * @throws {TypeError} when it is not declared.
 *
 * @example
 * throw failure(math.methods.divide, 'ZERO', 'by zero', { dividend: 1 });
 */
export function failure<E extends ErrorSchemas, Code extends keyof E & string>(
  { errors }: Declaring<E>,
  code: Code,
  message: string,
  data: InputOf<E[Code]>,
): RpcError {
  const schema: StandardSchema | undefined = errors[code];
  if (schema === undefined) throw new TypeError(`the error ${code} is not declared`);
  parse(schema, data, { what: 'data', where: `error ${code}` });
  return new RpcError(code, message, data);
}

/**
 * The error that a procedure declares, if this is one and its data fit; `undefined` for any other.
 *
 * @example
 * const zero = failureOf(math.methods.divide, error);
 * if (zero?.code === 'ZERO') show(zero.data.dividend);
 */
export function failureOf<E extends ErrorSchemas>({ errors }: Declaring<E>, error: unknown): Failure<E> | undefined {
  if (!(error instanceof RpcError) || !Object.hasOwn(errors, error.code)) return undefined;
  const schema: StandardSchema | undefined = errors[error.code];
  if (schema === undefined) return undefined;
  const { code, message } = error;
  try {
    const data = parse(schema, error.data ?? null, { what: 'data', where: `error ${code}` });
    // The code is one of the keys, and the data are what the schema of that key made.
    return { code, message, data };
  } catch {
    return undefined;
  }
}

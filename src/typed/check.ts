// Values against their schemas. What does not fit is an error for whoever it came from.

import { textOf } from '../client/index.js';
import type { SpokeErrorCode } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { RpcError } from '../rpc/index.js';
import type { SchemaIssue, SchemaResult, StandardSchema } from './schema.js';
import { UNCHECKED } from './schema.js';

/** Something that is wrong with a value. Plain data: it travels to callers. */
export interface Issue {
  readonly message: string;
  /** Where in the value: the keys that lead there; empty for the whole of it. */
  readonly path: readonly (string | number)[];
}

/** What an error's text and details say of a value. */
export interface Subject {
  /** `body`, `argument`, `result`, … */
  readonly what: string;
  /** The channel, or the procedure. */
  readonly where: string;
}

/**
 * What a schema makes of a value.
 * @throws {SpokeError} `VALIDATION` (or `code`), with what is wrong for `issuesOf`.
 * @throws {TypeError} when the schema answers with a promise.
 */
export function parse<Out>(
  schema: StandardSchema<unknown, Out>,
  value: unknown,
  subject: Subject,
  code: SpokeErrorCode = 'VALIDATION',
): Out {
  // Nothing checks it: the type is the word of who wrote the contract.
  if (schema === UNCHECKED) return value as Out;
  const result = ask(schema, value, subject);
  if (result.issues === undefined) return result.value;
  if (value === null) {
    // The wire has no `undefined`: `null` stands for it where a schema wants one.
    const other = ask(schema, undefined, subject);
    if (other.issues === undefined) return other.value;
  }
  throw violation(code, subject, result.issues.map(plain));
}

/** What is wrong with a value, if this error says that; else nothing. */
export function issuesOf(error: unknown): readonly Issue[] {
  const cause: unknown = error instanceof SpokeError ? error.cause : undefined;
  if (cause instanceof Issues) return cause.issues;
  return error instanceof RpcError && error.code === 'VALIDATION' ? readIssues(error.data) : [];
}

/** What a provider said of an argument; it is a stranger, so what is no issue is left out. */
function readIssues(data: unknown): Issue[] {
  const issues: unknown = new Map(Object.entries(data ?? {})).get('issues');
  return (Array.isArray(issues) ? issues : []).flatMap((issue: unknown) => {
    const members = new Map<string, unknown>(Object.entries(issue ?? {}));
    const [message, path] = [members.get('message'), members.get('path')];
    if (typeof message !== 'string' || !Array.isArray(path)) return [];
    return [{ message, path: path.filter((key) => typeof key === 'string' || typeof key === 'number') }];
  });
}

/** What stands behind a `SpokeError` that tells of a violation. */
class Issues extends Error {
  override readonly name = 'Issues';
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[]) {
    super(issues.map(textOfIssue).join('; '));
    this.issues = issues;
  }
}

const SHOWN = 3;

export function violation(code: SpokeErrorCode, { what, where }: Subject, issues: readonly Issue[]): SpokeError {
  const shown = issues.slice(0, SHOWN).map(textOfIssue);
  const more = issues.length > SHOWN ? `; and ${issues.length - SHOWN} more` : '';
  const text = `${where}: the ${what} does not fit the contract: ${shown.join('; ')}${more}`;
  return new SpokeError(code, text, { cause: new Issues(issues), details: { where, what } });
}

function ask<Out>(schema: StandardSchema<unknown, Out>, value: unknown, { what, where }: Subject): SchemaResult<Out> {
  const result = schema['~standard'].validate(value);
  if (!('then' in result)) return result;
  result.catch(() => {});
  throw new TypeError(
    `${where}: the schema of the ${what} is asynchronous; contracts take schemas that answer at once`,
  );
}

function plain({ message, path = [] }: SchemaIssue): Issue {
  return {
    message,
    // Not by `map`: the path may be a class of the validator's own.
    path: Array.from(path, (part) => {
      const key = typeof part === 'object' ? part.key : part;
      return typeof key === 'symbol' ? textOf(key.description) : key;
    }),
  };
}

function textOfIssue({ message, path }: Issue): string {
  return path.length === 0 ? message : `${path.join('.')}: ${message}`;
}

// Bodies of a client's own to JSON text. JSON.stringify does nearly all of it; what it cannot write, or would write as
// something nobody meant, is handled here.

import { SpokeError } from '../../contracts/index.js';

/**
 * The JSON text of a value, by the rules of `JSON.stringify`: members that are undefined, functions or symbols are
 * dropped, and are null in arrays; `NaN` and infinities are null; `Date` and everything else with `toJSON` decide for
 * themselves. Beyond that, an undefined body is null and a bigint is an integer of any size.
 * @throws {SpokeError} `NOT_ENCODABLE`: a function or symbol as the body, binary data anywhere, a cycle, nesting too
 *   deep for the stack, an error in a `toJSON` or getter.
 */
export function stringify(body: unknown): string {
  if (body === undefined) return 'null';
  if (typeof body === 'function' || typeof body === 'symbol')
    throw notEncodable(`a ${typeof body} is not a JSON value`);
  let text: string | undefined;
  try {
    if (typeof body === 'object' && body !== null) refuseBinary(body);
    text = JSON.stringify(body);
  } catch (error) {
    if (error instanceof SpokeError) throw error;
    // JSON.stringify knows no bigint and says so in words only. The second writer says again what else is wrong.
    if (!(error instanceof TypeError)) throw reasonOf(error);
    text = withBigints(body);
  }
  // Of what is left, only a `toJSON` that returns undefined comes to nothing.
  return text ?? 'null';
}

// TypedArrays and the like come out of JSON.stringify as objects with numbered keys, which nobody wants to receive.
// Looking for them costs a tenth of JSON.stringify (test/bench/micro/codec.bench.ts).
function refuseBinary(value: object): void {
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) if (typeof item === 'object' && item !== null) refuseBinary(item);
    return;
  }
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) throw binary();
  for (const key in value) {
    const member: unknown = Reflect.get(value, key);
    if (typeof member === 'object' && member !== null) refuseBinary(member);
  }
}

function withBigints(body: unknown): string | undefined {
  try {
    return write(body, '', new Set());
  } catch (error) {
    throw error instanceof SpokeError ? error : reasonOf(error);
  }
}

/** JSON.stringify once more, with bigints. `undefined` for what has no JSON text. */
function write(value: unknown, key: string, ancestors: Set<object>): string | undefined {
  let current = value;
  if ((typeof current === 'object' && current !== null) || typeof current === 'bigint') {
    const toJson: unknown = Reflect.get(Object(current), 'toJSON', current);
    if (typeof toJson === 'function') current = Reflect.apply(toJson, current, [key]);
  }
  if (current instanceof BigInt) current = current.valueOf();
  if (typeof current === 'bigint') return current.toString();
  if (typeof current !== 'object' || current === null) return JSON.stringify(current);
  if (current instanceof Number || current instanceof String || current instanceof Boolean)
    return JSON.stringify(current);
  if (ancestors.has(current)) throw notEncodable('the body contains itself');
  ancestors.add(current);
  const parts: string[] = [];
  const items: readonly unknown[] | undefined = Array.isArray(current) ? current : undefined;
  if (items !== undefined) {
    for (let i = 0; i < items.length; i++) parts.push(write(items[i], String(i), ancestors) ?? 'null');
  } else {
    for (const name of Object.keys(current)) {
      const text = write(Reflect.get(current, name), name, ancestors);
      if (text !== undefined) parts.push(`${JSON.stringify(name)}:${text}`);
    }
  }
  ancestors.delete(current);
  return items !== undefined ? `[${parts.join(',')}]` : `{${parts.join(',')}}`;
}

function binary(): SpokeError {
  return notEncodable('JSON has no binary data; send it as text, or use a codec that has');
}

function reasonOf(error: unknown): SpokeError {
  // What the engine throws when the stack is used up.
  if (error instanceof RangeError) return notEncodable('the body nests too deep', error);
  return notEncodable(error instanceof Error ? error.message : String(error), error);
}

export function notEncodable(reason: string, cause?: unknown): SpokeError {
  return new SpokeError('NOT_ENCODABLE', `the message cannot be written as JSON: ${reason}`, { cause });
}

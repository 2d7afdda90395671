// Names of procedures: channels without wildcards.

import { canonical, isPattern } from '../channels/index.js';

/** @throws {TypeError} when it is none; when what provides it is no function. */
export function requireName(where: string, name: string, procedure?: unknown): string {
  if (typeof name !== 'string') throw new TypeError(`${where}: the procedure's name must be a string`);
  const text = canonical(name);
  if (text === '' || isPattern(text))
    throw new TypeError(`${where}: "${name}" is no name; it must have a token, and no wildcard`);
  if (where === 'provide' && typeof procedure !== 'function')
    throw new TypeError('provide: the procedure must be a function');
  return text;
}

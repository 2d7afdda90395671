// What can be said of a name before there is a connection.

import { canonical, isPattern } from '../../channels/index.js';

/** @throws {TypeError} */
export function requireProcedureName(where: string, name: unknown): string {
  if (typeof name !== 'string') throw new TypeError(`${where}: the name must be a string`);
  const text = canonical(name);
  if (text === '' || isPattern(text))
    throw new TypeError(`${where}: "${name}" is no name; it must have a token, and no wildcard`);
  return text;
}

/** @throws {TypeError} */
export function requirePattern(where: string, pattern: unknown): string {
  if (typeof pattern !== 'string') throw new TypeError(`${where}: the pattern must be a string`);
  return pattern;
}

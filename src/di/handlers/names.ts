// What can be said of a name before there is a connection.

import { canonical, isPattern } from '../../channels/index.js';
import type { ChannelSet, ServiceAddress } from '../../typed/index.js';
import { isChannels, isService } from '../../typed/index.js';
import type { MethodOptions, ProviderMark } from './marks.js';

/** @throws {TypeError} */
export function requireProcedureName(where: string, name: unknown): string {
  if (typeof name !== 'string') throw new TypeError(`${where}: the name must be a string`);
  const text = canonical(name);
  if (text === '' || isPattern(text))
    throw new TypeError(`${where}: "${name}" is no name; it must have a token, and no wildcard`);
  return text;
}

/** @throws {TypeError} */
export function requirePattern(where: string, to: string | ChannelSet): string | ChannelSet {
  if (typeof to !== 'string' && !isChannels(to)) throw new TypeError(`${where}: the pattern must be a string`);
  return to;
}

/** @throws {TypeError} */
export function providerMarkOf(where: string, of: string | ServiceAddress, options: MethodOptions): ProviderMark {
  if (isService(of)) return { name: of.prefix, service: of, options };
  return { name: requireProcedureName(where, of), options };
}

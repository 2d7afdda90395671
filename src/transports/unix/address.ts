// What `unix:///run/spoke.sock?mode=660` means.

import { Buffer } from 'node:buffer';
import { resolve } from 'node:path';
import type { Address } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { requireParams } from '../tcp/host-port.js';

export interface UnixAddress {
  /** Absolute. */
  readonly path: string;
  /** Permissions of the socket file. */
  readonly mode?: number | undefined;
}

/** The system's `sun_path` without its final NUL. Node cuts a longer path short without a word. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/**
 * `unix:///absolute/path`, or `unix://./path` and `unix://../path` relative to the working directory.
 * @throws {SpokeError} `ADDRESS_INVALID`
 */
export function unixAddress(address: Address): UnixAddress {
  const { href, host, port } = address;
  requireParams(address, ['mode']);
  if (port !== undefined) throw invalid(href, 'a Unix socket has no port');
  if (host !== '' && host !== '.' && host !== '..') {
    const path = `${host}${address.path}`;
    throw invalid(href, `write unix:///${path} for an absolute path, unix://./${path} for a relative one`);
  }
  if (address.path === '' || address.path.endsWith('/')) {
    throw invalid(href, 'it names no file; a Unix socket is a file, as in unix:///run/spoke.sock');
  }
  const path = host === '' ? address.path : resolve(`${host}${address.path}`);
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH_BYTES) {
    throw invalid(
      href,
      `the path ${path} has ${bytes} bytes, and the system allows ${MAX_PATH_BYTES}; use a shorter one`,
    );
  }
  const mode = address.params.get('mode');
  return { path, ...(mode !== undefined && { mode: parseMode(mode, href) }) };
}

function parseMode(text: string, href: string): number {
  if (!/^0?[0-7]{3}$/.test(text)) {
    throw invalid(href, `mode=${text} is not a permission; give three octal digits, as in mode=660`);
  }
  return Number.parseInt(text, 8);
}

function invalid(href: string, why: string): SpokeError {
  return new SpokeError('ADDRESS_INVALID', `${href}: ${why}`, { details: { address: href } });
}

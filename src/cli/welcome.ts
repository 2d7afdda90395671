// What a broker says when it is ready: where it is, and what to try.

import { basename, dirname, extname, join, relative } from 'node:path';

import { DEFAULT_PORT, formatAddress, parseAddress } from '../transports/index.js';
import { VERSION } from '../version.js';

const ALL_ADDRESSES: ReadonlySet<string> = new Set(['', '0.0.0.0', '::']);

/** URLs by which a program on this machine reaches these endpoints. */
export function urlsFor(addresses: readonly string[]): string[] {
  return [...new Set(addresses.map(localUrl))];
}

/**
 * Several lines, without the end of the last.
 * @param script - the path by which this command was started (`process.argv[1]`): the others are found beside it.
 * @param mustLogIn - whether nobody may do anything without a login.
 */
export function firstSteps(addresses: readonly string[], script: string, mustLogIn = false): string {
  const command = (name: string) => besides(script, name);
  const where = addresses.map((address) => {
    const url = localUrl(address);
    return `  ${address}${url === address ? '' : `  (from this machine: ${url})`}`;
  });
  const [url] = urlsFor(addresses);
  const option = url === undefined || url === `tcp://localhost:${DEFAULT_PORT}` ? '' : ` --url ${url}`;
  return [
    `spoke ${VERSION} listens on`,
    ...where,
    '',
    `Try it in another terminal${mustLogIn ? ', as one of your users: with --user NAME --password-file FILE, or --token-file FILE' : ''}:`,
    `  ${command('spoke-echo')}${option} 'sensors/**'`,
    `  ${command('spoke-publish')}${option} -p sensors/kitchen/temp 21.5`,
    `  ${command('spoke-echo')}${option} --first sensors/kitchen/temp`,
  ].join('\n');
}

// A command line that works in the same folder, whether this was started by its name, by npx, or as a file.
function besides(script: string, name: string): string {
  if (extname(script) !== '') return `node ${relative('', join(dirname(script), name + extname(script)))}`;
  return basename(dirname(script)) === '.bin' ? `npx ${name}` : name;
}

function localUrl(address: string): string {
  const { href, ...parts } = parseAddress(address);
  if (parts.port === undefined || !ALL_ADDRESSES.has(parts.host)) return href;
  return formatAddress({ ...parts, host: 'localhost' });
}

// Sockets that were opened by whoever started the program, as systemd does (`?fd=3`): it may then listen where it could not, and
// nobody is refused while it starts again.

import type { Address } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';

/** The parameter of a URL to listen on. */
export const INHERITED = 'fd';

/** Standard input, output and error are no sockets to listen on. */
const FIRST = 3;

/**
 * The file descriptor of a socket that listens already; `undefined`: one is to be opened.
 * @throws {SpokeError} `ADDRESS_INVALID`
 */
export function inheritedFrom({ href, params }: Address): { readonly fd: number } | undefined {
  const text = params.get(INHERITED);
  if (text === undefined) return undefined;
  const fd = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (fd >= FIRST) return { fd };
  throw new SpokeError('ADDRESS_INVALID', `${href}: fd=${text} is no file descriptor; give a number from ${FIRST} on`, {
    details: { address: href },
  });
}

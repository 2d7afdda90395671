// Finds the transport that a URL asks for.

import type { Address, Transport } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { parseAddress } from './address.js';

/** Transports by URL scheme. Each broker and client has its own: nothing is registered globally. */
export class TransportRegistry {
  readonly #byScheme = new Map<string, Transport>();

  /**
   * @throws {SpokeError} `DUPLICATE`: two of them serve one scheme.
   * @throws {TypeError} for a scheme that no URL can have.
   */
  constructor(transports: readonly Transport[]) {
    for (const transport of transports) {
      for (const scheme of transport.schemes) {
        if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) {
          throw new TypeError(`transport scheme ${JSON.stringify(scheme)}: lower case, without colon, as in "tcp"`);
        }
        if (this.#byScheme.has(scheme)) {
          throw new SpokeError('DUPLICATE', `two transports serve ${scheme}://; leave one of them out`, {
            details: { scheme },
          });
        }
        this.#byScheme.set(scheme, transport);
      }
    }
  }

  /** In the order in which the transports were given. */
  get schemes(): readonly string[] {
    return [...this.#byScheme.keys()];
  }

  /**
   * @throws {SpokeError} `UNKNOWN_SCHEME`, with the known ones in its text; `ADDRESS_INVALID` for a text that is no URL.
   */
  find(url: string | Address): Transport {
    const { href, scheme } = typeof url === 'string' ? parseAddress(url) : url;
    const transport = this.#byScheme.get(scheme);
    if (transport !== undefined) return transport;
    const known = this.schemes.map((name) => `${name}://`).join(', ') || 'none';
    const hint =
      scheme === 'memory'
        ? ' A memory network is one MemoryTransport object: make it once and pass that same object in the `transports` of' +
          ' the broker and of every client.'
        : '';
    throw new SpokeError('UNKNOWN_SCHEME', `${href}: no transport serves ${scheme}:// (known: ${known}).${hint}`, {
      details: { address: href, scheme },
    });
  }
}

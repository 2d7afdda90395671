// What the connections of one transport prove themselves with, and whom they trust.

import type { SecureContext } from 'node:tls';
import type { Address } from '../../contracts/index.js';
import { materialFailed } from './errors.js';
import type { TlsOptions } from './options.js';

/**
 * Makes the contexts of the connections of one transport. The files are read every time, so that a renewed certificate is
 * found; what was made of the same text before is used again, because that takes milliseconds.
 */
export class ClientContexts {
  #last: { readonly fingerprint: string; readonly context: SecureContext } | undefined;

  /** @throws {SpokeError} `CONNECT_FAILED`, not worth trying again: a certificate or key cannot be used. */
  async get(address: Address, options: TlsOptions): Promise<SecureContext> {
    // Node's part is loaded when it is needed: programs that use no TLS start without it.
    const { contextOf, MaterialError, readMaterial } = await import('./material.js');
    try {
      const material = await readMaterial(options);
      const fingerprint = JSON.stringify(material);
      if (this.#last?.fingerprint !== fingerprint) this.#last = { fingerprint, context: contextOf(material) };
      return this.#last.context;
    } catch (error) {
      throw error instanceof MaterialError ? materialFailed('CONNECT_FAILED', address, error) : error;
    }
  }
}

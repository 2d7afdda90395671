// What can be said about TLS: in the constructor of a transport, or after `?` in a URL, which wins.

import type { Address } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';

/** Certificates and keys are PEM: the text itself, or the path of a file, read whenever an endpoint or connection opens. */
export interface TlsOptions {
  /** This side's certificate, followed by those between it and a known signer. To listen one is needed. */
  readonly cert?: string;
  /** Its private key. Default: the same PEM as `cert`. */
  readonly key?: string;
  /** Of the private key, where it is encrypted. Not in URLs, which end up in logs. */
  readonly passphrase?: string;
  /** The path of a file that holds it, in place of `passphrase`; read with the key. */
  readonly passphraseFile?: string;
  /** Who may sign the other side's certificate. Default, connecting only: the signers that Node knows. */
  readonly ca?: string;
  /** Listening: ask clients for a certificate signed by `ca`, and refuse who has none. Default `false`. */
  readonly requestCert?: boolean;
  /**
   * `false`, connecting: talk to any server, whoever it is; listening with `requestCert`: let in also clients without a
   * certificate, or with one that is not verified (and then not shown). Default `true`.
   */
  readonly rejectUnauthorized?: boolean;
  /** Connecting: the name that the server's certificate must have. Default: the host of the URL. */
  readonly servername?: string;
}

/** The parameters of `tls://` and `wss://` URLs. */
export const TLS_PARAMS = [
  'cert',
  'key',
  'passphraseFile',
  'ca',
  'requestCert',
  'rejectUnauthorized',
  'servername',
] as const;

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['', true],
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

/**
 * The options of a transport with those of a URL put over them.
 * @throws {SpokeError} `ADDRESS_INVALID` for a value that is none.
 */
export function tlsOptions(address: Address, defaults: TlsOptions): TlsOptions {
  const { params } = address;
  const text = (name: 'cert' | 'key' | 'passphraseFile' | 'ca' | 'servername') => {
    const value = params.get(name);
    if (value === '') throw invalid(address, `${name} is empty`);
    return value === undefined ? {} : { [name]: value };
  };
  const flag = (name: 'requestCert' | 'rejectUnauthorized') => {
    const value = params.get(name);
    if (value === undefined) return {};
    const said = BOOLEANS.get(value);
    if (said === undefined) throw invalid(address, `${name}=${value}: write true or false`);
    return { [name]: said };
  };
  // A key that belongs to the certificate of the transport does not fit that of the URL.
  const { key: _key, ...withoutKey } = defaults;
  return {
    ...(params.has('cert') ? withoutKey : defaults),
    ...text('cert'),
    ...text('key'),
    ...text('passphraseFile'),
    ...text('ca'),
    ...text('servername'),
    ...flag('requestCert'),
    ...flag('rejectUnauthorized'),
  };
}

function invalid(address: Address, why: string): SpokeError {
  return new SpokeError('ADDRESS_INVALID', `${address.href}: ${why}`, { details: { address: address.href } });
}

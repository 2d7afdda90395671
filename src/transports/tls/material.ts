// Certificates and keys as Node wants them, read and checked before anything is opened.

import { readFile } from 'node:fs/promises';
import type { SecureContext, SecureContextOptions } from 'node:tls';
import { createSecureContext } from 'node:tls';
import { textOf } from '../tcp/errors.js';
import type { TlsOptions } from './options.js';

/** Something is wrong with what was given; the text says what. */
export class MaterialError extends Error {
  override readonly name = 'MaterialError';
}

type Name = 'cert' | 'key' | 'ca';

/**
 * For the listening side: proven to be usable.
 * @throws {MaterialError}
 */
export async function serverMaterial(options: TlsOptions): Promise<SecureContextOptions> {
  if (options.cert === undefined) {
    throw new MaterialError(
      'TLS needs a certificate and its key: give cert and key, as options or as ?cert=FILE&key=FILE',
    );
  }
  if (options.requestCert && options.ca === undefined) {
    throw new MaterialError('requestCert needs ca: whoever may sign the certificates of clients');
  }
  const material = await readMaterial(options);
  contextOf(material);
  return material;
}

/**
 * For either side.
 * @throws {MaterialError}
 */
export async function readMaterial(options: TlsOptions): Promise<SecureContextOptions> {
  const { cert, key = cert, ca } = options;
  if (key !== undefined && cert === undefined) throw new MaterialError('there is a key, but no certificate (cert)');
  const passphrase = await passphraseOf(options);
  return {
    ...(cert !== undefined && { cert: await read('cert', cert, 'CERTIFICATE') }),
    ...(key !== undefined && { key: await read('key', key, 'PRIVATE KEY') }),
    ...(ca !== undefined && { ca: await read('ca', ca, 'CERTIFICATE') }),
    ...(passphrase !== undefined && { passphrase }),
  };
}

/** @throws {MaterialError} */
export function contextOf(material: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(material);
  } catch (error) {
    throw new MaterialError(`the certificate and the key cannot be used: ${textOf(error)}`, { cause: error });
  }
}

async function passphraseOf({ passphrase, passphraseFile }: TlsOptions): Promise<string | undefined> {
  if (passphraseFile === undefined) return passphrase;
  const text = await readText(`passphraseFile ${passphraseFile}`, passphraseFile);
  return text.replace(/\r?\n$/, '');
}

async function read(name: Name, given: string, kind: string): Promise<string> {
  const isText = given.includes('-----BEGIN ');
  const where = isText ? name : `${name} ${given}`;
  const pem = isText ? given : await readText(where, given);
  if (!new RegExp(`-----BEGIN [A-Z ]*${kind}-----`).test(pem)) {
    throw new MaterialError(`${where}: there is no ${kind.toLowerCase()} in it (PEM)`);
  }
  return pem;
}

async function readText(where: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new MaterialError(`${where}: cannot be read: ${textOf(error)}`, { cause: error });
  }
}

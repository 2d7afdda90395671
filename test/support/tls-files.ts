// Certificates and keys of test/fixtures/tls.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The path of one of the files, for example `server`, `server-key`, `ca`. */
export function tlsFile(name: string): string {
  return fileURLToPath(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));
}

/** Its text. */
export function tlsText(name: string): string {
  return readFileSync(tlsFile(name), 'utf8');
}

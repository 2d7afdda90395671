// Tokens as they are kept: as a hash, for what is in a configuration file is seen by many.

import { createHash, randomBytes } from 'node:crypto';

const PREFIX = 'sha256:';
const FORM = /^sha256:[0-9a-f]{64}$/;

/** A new token: 256 random bits, 43 letters. So a fast hash is enough, and nobody guesses it. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** `sha256:<64 hexadecimal digits>`. */
export function hashToken(token: string): string {
  return PREFIX + createHash('sha256').update(token).digest('hex');
}

export function isTokenHash(text: string): boolean {
  return FORM.test(text);
}

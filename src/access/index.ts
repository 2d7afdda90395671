// Who is there, ready-made: authenticators, and how secrets are kept.

export {
  ANONYMOUS,
  CertificateAuthenticator,
  ChainAuthenticator,
  PasswordAuthenticator,
  TokenAuthenticator,
  UnixAuthenticator,
} from './authenticators.js';
export type { ChainOptions } from './authenticators.js';
export { Access } from './access.js';
export type { AccessOptions, UserOptions } from './access.js';
export { EVERYTHING } from './rule-set.js';
export type { Rights, Rules } from './rule-set.js';
export { hashPassword, isPasswordHash } from './passwords.js';
export { hashToken, isTokenHash, newToken } from './tokens.js';

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
export { hashPassword, isPasswordHash } from './passwords.js';
export { hashToken, isTokenHash, newToken } from './tokens.js';

// What can go wrong with TLS, as errors a person can act on.

import type { Address } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { systemCode, systemError, textOf } from '../tcp/errors.js';
import type { MaterialError } from './material.js';

/** The endpoint's own certificate or key cannot be used. Waiting does not mend that. */
export function materialFailed(
  code: 'CONNECT_FAILED' | 'LISTEN_FAILED',
  address: Address,
  error: MaterialError,
): SpokeError {
  return systemError(code, address.href, error.message, error);
}

/**
 * Connecting: `CONNECT_FAILED`. Worth trying again when time may mend it (a certificate that will be renewed, a
 * connection that broke); not when somebody has to change a setting.
 */
export function handshakeFailed(address: Address, servername: string, cause: unknown): SpokeError {
  const [why, retryable] = whyNoHandshake(servername, systemCode(cause) ?? '', cause);
  return systemError('CONNECT_FAILED', address.href, `cannot connect: ${why}`, cause, retryable);
}

function whyNoHandshake(servername: string, code: string, cause: unknown): [why: string, retryable: boolean] {
  switch (code) {
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'CERT_UNTRUSTED':
      return [
        "the server's certificate is signed by nobody who is trusted here; name the signer with ca (?ca=FILE)",
        false,
      ];
    case 'CERT_HAS_EXPIRED':
      return ["the server's certificate has expired", true];
    case 'CERT_NOT_YET_VALID':
      return ["the server's certificate is not valid yet; is the clock right?", true];
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return [
        `the server's certificate is for ${namesIn(cause)}, not for ${servername}; connect by a name that it has, or say ` +
          'which you mean with ?servername=NAME',
        false,
      ];
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION':
      return [
        'the server does not speak TLS on this port; use the URL without TLS (tcp://, ws://) or another port',
        false,
      ];
    case 'ECONNRESET':
      return ['the server ended the connection before TLS was set up; does it speak TLS on this port?', true];
    default:
      // An alert of the server: it refuses this side's certificate, mostly.
      return [`TLS could not be set up: ${textOf(cause)}`, !code.startsWith('ERR_SSL_')];
  }
}

// Node hands the certificate along with the error.
function namesIn(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null || !('cert' in cause)) return 'another name';
  const { cert } = cause;
  if (typeof cert !== 'object' || cert === null || !('subjectaltname' in cert)) return 'another name';
  return typeof cert.subjectaltname === 'string' ? cert.subjectaltname : 'another name';
}

/** Listening: one client could not be let in. */
export function clientRefused(peer: string, cause: unknown, unverified: unknown): SpokeError {
  const details = { address: peer };
  if (unverified !== undefined && unverified !== null) {
    const text = `${peer}: its certificate is not signed by ca (${textOf(unverified)}); not let in`;
    return new SpokeError('UNAUTHENTICATED', text, { cause, details });
  }
  switch (systemCode(cause)) {
    case 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE':
      return new SpokeError('UNAUTHENTICATED', `${peer}: it has no certificate; not let in`, { cause, details });
    case 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA':
    case 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN':
    case 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE':
      return systemError('CONNECTION_LOST', peer, "it does not trust this endpoint's certificate", cause);
    case 'ERR_TLS_HANDSHAKE_TIMEOUT':
      return systemError('CONNECTION_LOST', peer, 'TLS was not set up within limits.connectTimeout', cause);
    case 'ECONNRESET':
      return systemError('CONNECTION_LOST', peer, 'it ended the connection before TLS was set up', cause);
    default:
      return systemError('CONNECTION_LOST', peer, `TLS could not be set up: ${textOf(cause)}`, cause);
  }
}

/** Listening: that was no TLS. */
export function notTls(peer: string, what: 'an HTTP request' | 'no TLS'): SpokeError {
  const text = `${peer} sent ${what} to a TLS port; it should connect with a URL of TLS (tls://, wss://, https://)`;
  return new SpokeError('MALFORMED', text, { details: { address: peer } });
}

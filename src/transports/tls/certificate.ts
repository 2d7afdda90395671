// A client's certificate, for authenticators.

import type { TLSSocket } from 'node:tls';
import type { PeerCertificate, PeerInfo } from '../../contracts/index.js';

/** What is known of a client after its handshake; a certificate that was not verified is left out. */
export function securePeer(socket: TLSSocket, address: string): PeerInfo {
  const certificate = socket.authorized ? certificateOf(socket) : undefined;
  return certificate === undefined ? { address } : { address, certificate };
}

function certificateOf(socket: TLSSocket): PeerCertificate | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const { subject, subjectAltName, fingerprint256 } = certificate;
  const commonName: unknown = socket.getPeerCertificate().subject?.CN;
  return {
    // One line each, with line breaks inside a value escaped.
    subject: (subject ?? '').split('\n').join(','),
    // Several common names are an array, and no name at all.
    ...(typeof commonName === 'string' && { commonName }),
    ...(subjectAltName !== undefined && { alternativeNames: subjectAltName }),
    fingerprint: fingerprint256,
  };
}

// A connection carries bytes both ways. It knows nothing of codecs, channels or brokers.

import type { SpokeError } from './errors.js';

/** Why a connection ended: by this side, by the other side in good order, or by a failure (`error` says which). */
export interface CloseReason {
  readonly by: 'local' | 'remote' | 'error';
  readonly error?: SpokeError;
}

/** Who the process at the other end of a Unix socket belonged to when it connected, as the kernel noted it. */
export interface PeerCredentials {
  /** For logs only: the process may have ended, and its number may be another's by now. 0: in a container of its own. */
  readonly pid: number;
  readonly uid: number;
  /** The primary group; the others are not known. */
  readonly gid: number;
}

/** A certificate that the other side proved to own and that was verified; one that was not is never shown. */
export interface PeerCertificate {
  /** `CN=robot-7,O=Example`, in the order of the certificate. */
  readonly subject: string;
  /** The common name; absent when there is none, or more than one. */
  readonly commonName?: string;
  /** `DNS:robot-7.example, URI:spiffe://...` as OpenSSL writes it. */
  readonly alternativeNames?: string;
  /** SHA-256 of the whole certificate: `AB:CD:...`. */
  readonly fingerprint: string;
}

/** What a transport knows of the other side without asking it. */
export interface PeerInfo {
  /** The other side as text for logs and errors, e.g. `tcp://127.0.0.1:53120`. */
  readonly address: string;
  /** TLS, on accepted connections: the client's certificate. Absent when it has none, or none that was verified. */
  readonly certificate?: PeerCertificate;
  /**
   * Asks the operating system which user the other side is; the answer stays the same. Present on accepted connections
   * of Unix sockets on Linux (`docs/transports.md#peer-credentials`).
   * @throws {SpokeError} `UNAUTHENTICATED`: it cannot be found out here, or the connection has ended. `ABORTED`.
   */
  readonly credentials?: (signal?: AbortSignal) => Promise<PeerCredentials>;
}

/**
 * Receives what happens on one connection. The calls of one connection never nest, never overlap and never come
 * from inside `send`, `pause`, `resume`, `close` or `abort`.
 * A handler that throws loses its connection (`abort` with `HANDLER_FAILED`) and harms no other.
 */
export interface ConnectionHandler {
  /**
   * Bytes arrived. The chunk is read-only and **valid only until this call returns**: transports read into
   * buffers that they use again. Copy what must be kept. Never empty, and never a Node `Buffer`, whose `slice` is no copy.
   */
  data(chunk: Uint8Array): void;
  /** Room again after `send` returned `false`: once, however often it did since the last `drain`. Never after `close`. */
  drain(): void;
  /** The end: exactly once, last, whoever ended it. */
  close(reason: CloseReason): void;
}

/**
 * One open connection, made by `Transport.connect` or handed out by a listener.
 *
 * Life cycle: open -> (closing) -> closed. Nothing is read before `start`; a connection that is never started
 * must still be closed by its owner.
 */
export interface Connection {
  /**
   * `'message'`: one `send` arrives as one `data`, bytes unchanged. `'stream'`: bytes arrive in order, cut anywhere.
   */
  readonly boundaries: 'stream' | 'message';
  readonly peer: PeerInfo;
  /** Bytes accepted by `send` that are not yet handed to the system (or to the other side, in memory). */
  readonly pendingBytes: number;
  /**
   * `true`: once `pendingBytes` is 0, nobody looks at the chunks that were sent before any more, and their sender may use
   * their memory again. Absent: they stay as they are for ever.
   */
  readonly releases?: boolean;

  /**
   * Begins to deliver to the handler, asynchronously. Called exactly once.
   * @throws {TypeError} the second time.
   */
  start(handler: ConnectionHandler): void;

  /**
   * Queues bytes. The chunk becomes **read-only for everyone**: the same buffer may go to many connections, so the transport
   * never changes it, and the caller not before all of them are done with it (`releases`).
   *
   * @returns `false`: the bytes were taken, but stop until `drain`. Bytes are also taken when the caller does not
   *   stop; the bound is the caller's duty. After `close`, `abort` or the end: `false` too, and nothing is sent.
   *   Never throws for the state of the connection.
   */
  send(chunk: Uint8Array): boolean;

  /** Stops `data` (already read bytes may arrive once more) and, in time, the sender on the other side. Idempotent. */
  pause(): void;
  resume(): void;

  /**
   * Sends what is queued, then ends. `close` follows with `by: 'local'`. Idempotent.
   * @param why - what the other side did wrong: transports that have words for it say it. The others just end.
   */
  close(why?: SpokeError): void;

  /** Ends now; what is queued is dropped. `close` follows with `by: 'error'` and this error. Idempotent. */
  abort(error: SpokeError): void;
}

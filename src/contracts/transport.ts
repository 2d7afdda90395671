// How connections are made. A class of the user's own that implements Transport makes a new URL scheme.

import type { Connection } from './connection.js';
import type { SpokeError } from './errors.js';
import type { Limits } from './limits.js';

/**
 * A URL taken apart, without a meaning yet: the transport decides what host, port and path are to it.
 * `tcp://:7181` has an empty host; IPv6 hosts come without brackets.
 */
export interface Address {
  /** The whole text, for messages to a person. */
  readonly href: string;
  /** In lower case, without the colon: `tcp`. */
  readonly scheme: string;
  /** Empty when absent. */
  readonly host: string;
  readonly port: number | undefined;
  /** From the first slash after the authority on, percent-decoded; empty when absent. */
  readonly path: string;
  /** What follows `?`. */
  readonly params: ReadonlyMap<string, string>;
}

export interface ConnectOptions {
  /** Aborting rejects with `ABORTED` and leaves nothing behind; it has no effect once connected. */
  readonly signal?: AbortSignal;
  readonly limits: Limits;
}

export interface ListenOptions {
  /** Aborting while the endpoint opens rejects with `ABORTED` and leaves nothing behind. */
  readonly signal?: AbortSignal;
  readonly limits: Limits;
  /** Told of failures after `listen` resolved (out of file descriptors, a failed handshake). The listener goes on. */
  readonly onError?: (error: SpokeError) => void;
}

/** An open endpoint. */
export interface Listener {
  /** Where it can be reached, with the port that was really taken: `tcp://0.0.0.0:7181`. */
  readonly address: string;
  /**
   * Stops accepting and frees the endpoint; connections already accepted stay open.
   * Resolves when a new listener could take the same address. Idempotent.
   */
  close(): Promise<void>;
  /**
   * Reads again what it has read from files, certificates above all, for connections from now on. Absent: it has read nothing.
   * @throws {SpokeError} `LISTEN_FAILED`: it goes on with what it had.
   */
  reload?(): Promise<void>;
}

/**
 * A kind of connection, found by URL scheme. Implementations must be free of module state: two instances in one
 * process do not see each other unless the operating system connects them.
 * `docs/writing-a-transport.md` shows one; `spoke/testing` has the suite that proves one.
 */
export interface Transport {
  /** URL schemes it serves, in lower case, without the colon. */
  readonly schemes: readonly string[];

  /**
   * @throws {SpokeError} `CONNECT_FAILED` (retryable: nobody there, name not found, refused, or longer than
   *   `limits.connectTimeout`), `ADDRESS_INVALID`, `ABORTED`.
   */
  connect(address: Address, options: ConnectOptions): Promise<Connection>;

  /**
   * Opens an endpoint. `onConnection` gets every connection, paused, to `start`; when it throws, that connection
   * is aborted and the listener goes on.
   * @throws {SpokeError} `ADDRESS_IN_USE`, `ADDRESS_INVALID`, `LISTEN_FAILED`, `ABORTED`.
   */
  listen(address: Address, onConnection: (connection: Connection) => void, options: ListenOptions): Promise<Listener>;
}

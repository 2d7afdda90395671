// What the synchronous functions and their worker say to each other.

import type { Credentials } from '../contracts/index.js';

/** Where to connect; plain values only, they cross a thread. */
export interface SyncConnection {
  readonly url?: string | readonly string[];
  readonly host?: string;
  readonly port?: number;
  /** Name of a built-in codec. Default `json`. */
  readonly codec?: string;
  /** Who it is to the broker. Default: as for `Client`. */
  readonly auth?: Credentials;
}

export interface SyncPublishOptions extends SyncConnection {
  readonly persist?: boolean;
  readonly time?: number;
  /** Milliseconds for all of it. Default: none. */
  readonly timeout?: number;
}

export interface SyncCallOptions extends SyncConnection {
  /** Milliseconds for all of it. Default 30,000. */
  readonly timeout?: number;
}

export type SyncRequest =
  | {
      readonly action: 'publish';
      readonly channel: string;
      readonly body: unknown;
      readonly options: SyncPublishOptions;
    }
  | { readonly action: 'call'; readonly channel: string; readonly body: unknown; readonly options: SyncCallOptions };

/** An error, taken apart: classes do not cross a thread. */
export interface SyncFailure {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, string | number | boolean>>;
  /** Of an `RpcError`. */
  readonly data?: unknown;
}

export type SyncAnswer = { readonly value: unknown } | { readonly failure: SyncFailure };

// What the harness needs to know of a server: whether it can run here, how to start it, what it can do.

import type { ClientName } from '../clients/client.js';
import type { WireName } from '../wires/index.js';

export interface StartOptions {
  /** A folder for its files: empty, and removed after the run. */
  readonly folder: string;
  /** Arguments for Node, when the server runs on Node (a profile, for example). */
  readonly nodeArguments: readonly string[];
}

export interface RunningServer {
  readonly pid: number;
  readonly port: number;
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>;
  /** Rejects when the server ends before it was told to. */
  readonly failed: Promise<never>;
}

/**
 * - `wildcards`: a subscriber may leave a token open;
 * - `rpc`: its client can call and answer;
 * - `replay`: it keeps the last message of each channel;
 * - `subscriptions`: it routes by subscription, so that others' may cost something;
 * - `globstars`: a wildcard for any number of tokens may stand anywhere, not only at the end;
 * - `messages`: big messages of several publishers do not mix;
 * - `commands`: it has a command that publishes one message.
 */
export type Ability = 'wildcards' | 'rpc' | 'replay' | 'subscriptions' | 'globstars' | 'messages' | 'commands';

export interface ServerKind {
  readonly name: string;
  /** One line for `--help`. */
  readonly about: string;
  /** What "broker only" workloads speak. */
  readonly wire?: WireName;
  /** What all other workloads use. */
  readonly client: ClientName;
  /** For spoke: the folder that holds the built package. */
  readonly dist?: string;
  /** For spoke: the codec that clients speak. */
  readonly codec?: string;
  readonly can: readonly Ability[];
  /** Whether it runs on Node, and so can be profiled. */
  readonly onNode?: boolean;
  /** Why it cannot run here, and what to do about it; `undefined` when it can. */
  missing(): string | undefined;
  start(options: StartOptions): Promise<RunningServer>;
}

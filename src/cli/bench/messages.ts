// What the command tells its threads, and what they answer. Senders and receivers have a thread each: one for both would
// measure itself.

import type { MessagePort } from 'node:worker_threads';

import type { ConnectionOptions } from '../arguments.js';
import type { Latency } from './latency.js';

interface Common {
  readonly broker: Pick<ConnectionOptions, 'url' | 'codec'>;
  /** For `clockFrom`. */
  readonly epoch: bigint;
}

export interface SubscriberTask extends Common {
  readonly role: 'subscriber';
  /** One for each connection. */
  readonly channels: readonly string[];
  /** Whether every connection gets every message. */
  readonly shared: boolean;
  /** Messages between two reports of progress. */
  readonly step: number;
  /** To the publisher: `Progress`; from it: `Goal`. */
  readonly port: MessagePort;
}

export interface PublisherTask extends Common {
  readonly role: 'publisher';
  /** One for each connection. */
  readonly channels: readonly string[];
  readonly payload: number;
  /** Messages on their way at most. */
  readonly window: number;
  readonly port: MessagePort;
}

export interface ProviderTask extends Common {
  readonly role: 'provider';
  readonly name: string;
}

export interface CallerTask extends Common {
  readonly role: 'caller';
  readonly name: string;
  readonly connections: number;
  readonly payload: number;
  /** Calls at a time on each connection, when they go as fast as they can. */
  readonly inFlight: number;
}

export type Task = SubscriberTask | PublisherTask | ProviderTask | CallerTask;

/** Messages of which every receiver that should has all, since the beginning. */
export interface Progress {
  readonly received: number;
}
/** Tell when there are so many. */
export interface Goal {
  readonly total: number;
}

/** For senders: so long as fast as it goes, or at a rate (per second). For receivers: `take`. */
export type Order =
  | { readonly order: 'flood'; readonly seconds: number }
  | { readonly order: 'pace'; readonly seconds: number; readonly rate: number; readonly measured: boolean }
  | { readonly order: 'take' };

export interface Answer {
  readonly messages: number;
  readonly seconds: number;
  /** From whoever sees messages come back or arrive. */
  readonly latency?: Latency;
}

/** Does what the other side of a thread asks for. */
export type Role = (order: Order) => Promise<Answer>;

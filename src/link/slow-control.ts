// Names and bodies of the control messages about slow consumers (docs/protocol.md#feature-slow).

import { memberOf } from './kept-control.js';

/** Client to broker: what becomes of messages of a pattern while the client does not take them. */
export const SLOW = '-control/slow';
/** Broker to that client alone: so many messages of a pattern were left out, right here. */
export const MISSED = '-control/missed';

/**
 * What becomes of messages for a subscriber that does not read:
 * - `disconnect`: they wait, and past `limits.outboundBytes` its connection is ended;
 * - `drop-oldest`: the latest 1,000 wait, older ones are left out;
 * - `latest`: of each channel the latest one waits;
 * - `hold`: they wait, and who publishes them is not read meanwhile; after `limits.holdTime` the subscriber's connection is ended.
 */
export type SlowPolicy = 'disconnect' | 'drop-oldest' | 'latest' | 'hold';

const POLICIES: readonly string[] = ['disconnect', 'drop-oldest', 'latest', 'hold'] satisfies SlowPolicy[];

export interface SlowBody {
  readonly pattern: string;
  /** `null`: as if nothing had been said. */
  readonly policy: SlowPolicy | null;
}

export interface MissedBody {
  /** Canonical. */
  readonly pattern: string;
  readonly missed: number;
}

/** `undefined` when it is none. */
export function readSlow(body: unknown): SlowBody | undefined {
  const pattern = memberOf(body, 'pattern');
  const policy = memberOf(body, 'policy');
  if (typeof pattern !== 'string' || !(policy === null || isSlowPolicy(policy))) return undefined;
  return { pattern, policy };
}

/** `undefined` when it is none. */
export function readMissed(body: unknown): MissedBody | undefined {
  const pattern = memberOf(body, 'pattern');
  const missed = memberOf(body, 'missed');
  return typeof pattern === 'string' && typeof missed === 'number' ? { pattern, missed } : undefined;
}

export function isSlowPolicy(value: unknown): value is SlowPolicy {
  return typeof value === 'string' && POLICIES.includes(value);
}

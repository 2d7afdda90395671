// What both sides ask of the package ws.

import type { Limits } from '../../contracts/index.js';

const MiB = 1024 * 1024;
/** A WebSocket message may hold several of ours, and a turn's worth of them (128 KiB in our own programs) comes in one. */
const BATCH_BYTES = MiB;
/** The connection has a time limit of its own, which lets a slow reader read on; this one is the last resort. */
const LAST_RESORT = 10 * 60_000;

/** A longer message ends the connection (code 1009), whatever is in it: ws has to hold all of it. */
export function messageLimit(limits: Limits): number {
  return limits.messageBytes + BATCH_BYTES;
}

/** Compression costs memory and time for every connection; who wants it can have it in a proxy. */
export const WS_OPTIONS = { perMessageDeflate: false, closeTimeout: LAST_RESORT } as const;

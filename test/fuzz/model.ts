// What a broker should do with a message, read off the protocol page in the slowest way. Knows nothing of bytes that are
// kept, of heads that are remembered, or of routing tables.

import type { Buffer } from 'node:buffer';
import type { Limits } from 'spoke';
import { canonical } from '../support/independent-peer/index.js';

/** Of these the model knows; the others are far out of reach of what is sent. */
export const MODEL_LIMITS = {
  messageBytes: 4096,
  headBytes: 1 << 20,
  bodyDepth: 100_000,
  channelLength: 100,
  channelDepth: 10,
  globstars: 2,
  subscriptions: 4,
} satisfies Partial<Limits>;

/** A message that is passed on. */
export interface Passed {
  readonly channel: string;
  /** As JSON text, in the order in which it was sent, without a time of the broker's. */
  readonly head: string;
  readonly body: string;
  /** The publisher's; `undefined`: the broker stamps it. */
  readonly time: number | undefined;
  readonly persist: boolean;
}

/** One connection, from its first byte on. */
export interface ModelSession {
  readonly patterns: Set<string>;
  pings: boolean;
}

export function modelSession(): ModelSession {
  return { patterns: new Set(), pings: false };
}

export class Model {
  /** Time of what is kept on each channel; the test tells those that the broker stamped. */
  readonly kept = new Map<string, number>();

  /** What all who match receive of this frame; `undefined`: nothing. */
  receive(session: ModelSession, frame: Uint8Array): Passed | undefined {
    const message = understood(frame);
    if (message === undefined) return undefined;
    const { head, body } = message;
    const channel = canonical(String(head['channel']));
    if (!controls(session, channel, body)) return undefined;
    const time = typeof head['time'] === 'number' ? head['time'] : undefined;
    const persist = truth(head['persist'] ?? false);
    if (persist) {
      const kept = this.kept.get(channel);
      if (time !== undefined && kept !== undefined && time <= kept) return undefined;
      if (time !== undefined) this.kept.set(channel, time);
    }
    const passed = Object.entries(head)
      .filter(([key]) => key !== 'bounce')
      .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(key === 'channel' ? channel : value)}`);
    return { channel, head: passed.join(','), body: JSON.stringify(body ?? null), time, persist };
  }
}

type Fields = Readonly<Record<string, unknown>>;

function understood(frame: Uint8Array): { head: Fields; body: unknown } | undefined {
  if (frame.length > MODEL_LIMITS.messageBytes) return undefined;
  let message: unknown;
  try {
    message = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(frame));
  } catch {
    return undefined;
  }
  if (!isObject(message) || !Object.hasOwn(message, 'head')) return undefined;
  const { head } = message;
  if (!isObject(head) || Object.hasOwn(head, 'self') || Object.hasOwn(head, 'body')) return undefined;
  const { channel } = head;
  if (!Object.hasOwn(head, 'channel') || typeof channel !== 'string') return undefined;
  if (channel.length > MODEL_LIMITS.channelLength) return undefined;
  if (tokens(canonical(channel)).length > MODEL_LIMITS.channelDepth) return undefined;
  if (Object.hasOwn(head, 'time')) {
    const { time } = head;
    if (typeof time !== 'number' || !Number.isFinite(time) || time > Date.now() / 1000 + 60) return undefined;
  }
  return { head, body: Object.hasOwn(message, 'body') ? message['body'] : null };
}

/** Carries out a control message; whether it goes on to be routed. */
function controls(session: ModelSession, channel: string, body: unknown): boolean {
  if (channel === '-control/welcome' || channel === '-control/error') return false;
  if (channel === '-control/hello') {
    if (isObject(body) && typeof body['nonce'] === 'string' && body['nonce'].length <= 64) {
      const { features } = body;
      if (Array.isArray(features)) session.pings = features.includes('ping');
    }
    return false;
  }
  if (channel.startsWith('-control/ping/')) return !session.pings;
  if (channel !== '-control/subscribe' && channel !== '-control/unsubscribe') return true;
  if (typeof body !== 'string') return false;
  const pattern = canonical(body);
  if (session.pings && /^-control\/ping\/[^/*]+\/\*$/.test(pattern)) return false;
  if (channel === '-control/unsubscribe') {
    session.patterns.delete(pattern);
    return true;
  }
  const { channelLength, channelDepth, globstars, subscriptions } = MODEL_LIMITS;
  if (pattern.length > channelLength || tokens(pattern).length > channelDepth) return false;
  if (tokens(pattern).filter((token) => token === '**').length > globstars) return false;
  if (!session.patterns.has(pattern) && session.patterns.size >= subscriptions) return false;
  session.patterns.add(pattern);
  return true;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tokens(text: string): string[] {
  return text.split('/').filter((token) => token !== '');
}

// Python's `bool`.
function truth(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return isObject(value) ? Object.keys(value).length > 0 : Boolean(value);
}

/** The frames of a stream that ends with a NUL. */
export function framesOf(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, start)) {
    frames.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return frames;
}

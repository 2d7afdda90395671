// Names and bodies of the control messages between a broker and its bridges (docs/protocol.md#feature-bridge).

/** Both ways: what is wanted on the side of the sender. */
export const INTEREST = '-control/interest';
/** Bridge to broker: what it wants of persistent messages, and which broker is on its other side. */
export const MIRROR = '-control/mirror';

/** As far away as nothing that is wanted can be. */
export const UNREACHABLE = 16;

/** Patterns of one interest message at the most. */
export const INTEREST_PATTERNS = 1000;

export interface InterestBody {
  /** Patterns that are wanted now, each with how many bridges away, or at another distance than before. */
  readonly set: readonly (readonly [pattern: string, distance: number])[];
  /** Patterns that are wanted no more. */
  readonly unset: readonly string[];
}

export interface MirrorBody {
  /** Every persistent message on these is sent, wanted or not; first what is kept already. */
  readonly patterns: readonly string[];
  /** The id of the other side's broker, if that has one: it is not sent what it sent itself. */
  readonly far?: string;
  /** The other side's broker chooses members of groups itself: copies for members are marked with this, on both sides. */
  readonly mark?: string;
}

/** `undefined` when it is none. */
export function readInterest(body: unknown): InterestBody | undefined {
  const set = listAt(body, 'set');
  const unset = listAt(body, 'unset');
  if (set === undefined || unset === undefined || !set.every(isDistance) || !unset.every(isText)) return undefined;
  return { set, unset };
}

/** `undefined` when it is none. */
export function readMirror(body: unknown): MirrorBody | undefined {
  const patterns = listAt(body, 'patterns');
  if (patterns?.every(isText) !== true) return undefined;
  const far: unknown = typeof body === 'object' && body !== null && 'far' in body ? body.far : undefined;
  const mark: unknown = typeof body === 'object' && body !== null && 'mark' in body ? body.mark : undefined;
  return { patterns, ...(typeof far === 'string' && { far }), ...(typeof mark === 'string' && { mark }) };
}

function listAt(body: unknown, key: string): readonly unknown[] | undefined {
  const list: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, key) : undefined;
  return Array.isArray(list) ? list : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isDistance(value: unknown): value is readonly [string, number] {
  return Array.isArray(value) && isText(value[0]) && Number.isInteger(value[1]) && Number(value[1]) >= 0;
}

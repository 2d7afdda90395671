// What callers and providers of ours say beside argument and result (docs/protocol.md#calls).

/** In the head of a call: how long the caller waits, in seconds. */
export const TIMEOUT_KEY = '-timeout';
/** In the head of a call: the result may be a stream, of which so many items may be sent at first. */
export const WINDOW_KEY = '-window';
/** In the head of a call: the caller wants to hear of the progress. */
export const PROGRESS_KEY = '-progress';

/** An item of a stream, of which number `n` is the first 1; number 0 says that it begins. */
export type Part =
  | { readonly kind: 'item'; readonly n: number; readonly value: unknown }
  | { readonly kind: 'begin' }
  | { readonly kind: 'progress'; readonly value: unknown };

export const BEGIN_BODY = { n: 0 };

export function itemBody(n: number, item: unknown): { readonly n: number; readonly item: unknown } {
  return { n, item };
}

export function progressBody(progress: unknown): { readonly progress: unknown } {
  return { progress };
}

/** `undefined` when it is none. */
export function readPart(body: unknown): Part | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  if ('progress' in body) return { kind: 'progress', value: body.progress };
  if (!('n' in body) || typeof body.n !== 'number') return undefined;
  if (body.n === 0) return { kind: 'begin' };
  return 'item' in body ? { kind: 'item', n: body.n, value: body.item } : undefined;
}

/** How many items a stream had; `undefined` when the result is of no stream. */
export function readCount(body: unknown): number | undefined {
  const parts: unknown = typeof body === 'object' && body !== null && 'parts' in body ? body.parts : undefined;
  return typeof parts === 'number' ? parts : undefined;
}

/** A number that is no less than 0. */
export function amountOf(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined;
}

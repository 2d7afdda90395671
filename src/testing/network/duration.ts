const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000 };

/** Milliseconds, or a text such as `'30 s'`, `'5 min'`, `'200 ms'`. */
export type Duration = number | string;

/** @throws {TypeError} for anything else. */
export function milliseconds(duration: Duration): number {
  if (typeof duration === 'number' && duration >= 0) return duration;
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?) ?(ms|s|min|h)$/.exec(String(duration)) ?? [];
  const factor = UNITS[unit];
  if (amount === undefined || factor === undefined) {
    throw new TypeError(
      `'${String(duration)}' is no duration; write milliseconds, or '30 s', '200 ms', '5 min', '1 h'`,
    );
  }
  return Number(amount) * factor;
}

// fast-check with a seed that stays the same, so that a change is judged by its own merits: what `npm test` says about a
// commit, it says again. To look for what nobody has found yet, take other seeds (docs/security.md):
//
//   SPOKE_FUZZ_SEED=random npm run test:fuzz      another one each time (printed with a failure)
//   SPOKE_FUZZ_SEED=1234 npm run test:fuzz        the seed that a failure printed

import fc from 'fast-check';

const FIXED = 20_261_122;

/** `undefined`: another one each time. */
export const seed = seedOf(process.env['SPOKE_FUZZ_SEED']);

fc.configureGlobal({ ...fc.readConfigureGlobal(), ...(seed !== undefined && { seed }) });

function seedOf(text: string | undefined): number | undefined {
  if (text === 'random') return undefined;
  if (text === undefined || text === '') return FIXED;
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new TypeError(`SPOKE_FUZZ_SEED must be a whole number or random, not ${text}`);
  return value;
}

export { fc };

/** The slowest possible reading of docs/protocol.md#channels-and-patterns, and the texts to try it on. */
import { fc } from '../../support/fast-check.js';

export function naiveTokens(text: string): string[] {
  return text.split('/').filter((token) => token !== '');
}

/** Rewrites two tokens at a time until nothing changes. */
export function naiveCanonical(text: string): string {
  const list = naiveTokens(text);
  for (let i = 0; i + 1 < list.length; i++) {
    if (list[i] !== '**') continue;
    if (list[i + 1] === '**') list.splice(i, 1);
    else if (list[i + 1] === '*') list.splice(i, 2, '*', '**');
    else continue;
    i = -1;
  }
  return list.join('/');
}

export function naiveMatches(pattern: string, channel: string): boolean {
  return matchTokens(naiveTokens(pattern), naiveTokens(channel));
}

function matchTokens(pattern: readonly string[], channel: readonly string[]): boolean {
  const [first, ...others] = pattern;
  if (first === undefined) return channel.length === 0;
  if (first === '**') {
    return matchTokens(others, channel) || (channel.length > 0 && matchTokens(pattern, channel.slice(1)));
  }
  if (channel.length === 0 || (first !== '*' && first !== channel[0])) return false;
  return matchTokens(others, channel.slice(1));
}

/** Every canonical channel of up to `longest` tokens out of `alphabet`. */
export function allChannels(alphabet: readonly string[], longest: number): string[] {
  let words: string[][] = [[]];
  const all = [...words];
  for (let length = 1; length <= longest; length++) {
    words = words.flatMap((word) => alphabet.map((token) => [...word, token]));
    all.push(...words);
  }
  return all.map((word) => word.join('/'));
}

/** What is left of a pattern after a channel began with `token`, in every way that it can be read. */
function after(patterns: ReadonlySet<string>, token: string): Set<string> {
  const left = new Set<string>();
  for (const pattern of patterns) {
    const [first, ...others] = naiveTokens(pattern);
    if (first === '**') {
      left.add(pattern);
      for (const more of after(new Set([others.join('/')]), token)) left.add(more);
    } else if (first === '*' || first === token) {
      left.add(others.join('/'));
    }
  }
  return left;
}

/**
 * Walks through everything that channels of any length can make of two patterns, and says which cases exist:
 * a channel that both match, and one that the second matches alone. `z` stands for all tokens that no pattern names.
 */
export function compared(first: string, second: string): { both: boolean; secondAlone: boolean } {
  const found = { both: false, secondAlone: false };
  const seen = new Set<string>();
  const waiting = [[new Set([first]), new Set([second])] as const];
  for (let pair = waiting.pop(); pair !== undefined; pair = waiting.pop()) {
    const [firstLeft, secondLeft] = pair;
    const key = JSON.stringify([[...firstLeft].toSorted(), [...secondLeft].toSorted()]);
    if (seen.has(key)) continue;
    seen.add(key);
    const [firstEnds, secondEnds] = [firstLeft, secondLeft].map((left) =>
      [...left].some((pattern) => naiveMatches(pattern, '')),
    );
    if (secondEnds === true) found[firstEnds === true ? 'both' : 'secondAlone'] = true;
    for (const token of ['a', 'b', 'z']) {
      waiting.push([after(firstLeft, token), after(secondLeft, token)]);
    }
  }
  return found;
}

const pathOf = (parts: readonly string[], maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...parts), { maxLength }).map((list) => list.join('/'));

/** Anything a user may type: empty tokens, tokens that look like wildcards but are none. */
export const anyText = pathOf(['', 'a', 'b', '*', '**', '***', '*a', 'a*', '**a', 'a**', 'é/x'], 9);
export const patternText = (maxLength: number): fc.Arbitrary<string> =>
  pathOf(['a', 'b', '*', '**'], maxLength).map(naiveCanonical);
/** Published channels may hold tokens that are wildcards in a pattern. */
export const channelText = (maxLength: number): fc.Arbitrary<string> =>
  pathOf(['a', 'a', 'b', 'b', 'c', '*', '**'], maxLength).map(naiveCanonical);

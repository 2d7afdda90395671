/**
 * What a pattern says about channels and about other patterns. Every argument is canonical
 * (see `canonical`); the results for other text are unspecified.
 *
 * `*` stands for one token, `**` for any number. A wildcard token in a channel is an ordinary literal:
 * no pattern can ask for it by name. Source of the rules: docs/protocol.md#channels-and-patterns.
 */

import { isPattern, tokens } from './channel.js';

const SLASH = 47; // '/'
const STAR = 42; // '*'

/**
 * Whether the pattern matches the channel. At most (length of pattern) x (length of channel) steps,
 * however many `**` there are, and no allocation.
 */
export function matches(pattern: string, channel: string): boolean {
  const patternEnd = pattern.length;
  const channelEnd = channel.length;
  // Offsets at which a token starts. An offset behind the end means that no token is left.
  let p = patternEnd === 0 ? 1 : 0;
  let c = channelEnd === 0 ? 1 : 0;
  // Only the latest `**` is ever tried again: giving an earlier one more tokens cannot help, because
  // what lies between the two was already matched as far to the left as it goes.
  let retryPattern = -1;
  let retryChannel = 0;
  for (;;) {
    if (p > patternEnd) {
      if (c > channelEnd) return true;
    } else if (isRest(pattern, p)) {
      p += 3;
      if (p > patternEnd) return true;
      retryPattern = p;
      retryChannel = c;
      continue;
    } else if (c > channelEnd) {
      return false; // a longer `**` would leave even fewer tokens
    } else if (isStar(pattern, p)) {
      p += 2;
      c = nextToken(channel, c);
      continue;
    } else {
      const size = sharedToken(pattern, p, channel, c);
      if (size >= 0) {
        p += size + 1;
        c += size + 1;
        continue;
      }
    }
    if (retryPattern < 0) return false;
    retryChannel = nextToken(channel, retryChannel);
    p = retryPattern;
    c = retryChannel;
  }
}

/** Whether pattern `outer` matches every channel that pattern `inner` matches. */
export function includes(outer: string, inner: string): boolean {
  if (outer === inner || outer === '**') return true;
  if (!isPattern(inner)) return matches(outer, inner);
  const a = tokens(outer);
  const b = tokens(inner);
  const elastic = elasticPositions(a);
  // Simulates `outer` on `inner`, read as a word: a `*` of it is a token nobody has named, and a `**`
  // is a block of unknown length that must lie wholly in the reach of a `**` of `outer`. That is exact,
  // not only sufficient: tokens are unlimited, so a block longer than `outer` can be covered in no other
  // way, and an alignment that works for long blocks and one that works for empty blocks can be spliced
  // at each block into one that works for both (the stars before a `**` then count the certain tokens).
  let active = reachable(a, [0]);
  for (const token of b) {
    const next: number[] = [];
    for (const i of active) {
      const expected = a[i];
      if (expected === undefined) continue;
      if (token === '**') {
        if (elastic[i] === true) next.push(i);
      } else if (expected === '**') {
        next.push(i);
      } else if (expected === '*' || expected === token) {
        next.push(i + 1);
      }
    }
    if (next.length === 0) return false;
    active = reachable(a, next);
  }
  return active.includes(a.length);
}

/** Whether some channel is matched by both patterns. */
export function intersects(left: string, right: string): boolean {
  if (!isPattern(left)) return matches(right, left);
  if (!isPattern(right)) return matches(left, right);
  const a = tokens(left);
  const b = tokens(right);
  // row[j]: some word is matched by the first tokens of `a`, one more a row, and by the first j of `b`.
  let row = [true];
  for (const token of b) row.push(token === '**' && row[row.length - 1] === true);
  for (const mine of a) {
    let before = mine === '**' && row[0] === true;
    const next = [before];
    b.forEach((theirs, j) => {
      if (mine === '**' || theirs === '**') {
        // A `**` is either over, or takes in one more token of the other side.
        before = before || row[j + 1] === true;
      } else {
        before = row[j] === true && (mine === theirs || mine === '*' || theirs === '*');
      }
      next.push(before);
    });
    row = next;
  }
  return row[b.length] === true;
}

/** Whether the token at this offset is `**`. */
function isRest(text: string, at: number): boolean {
  return text.charCodeAt(at) === STAR && text.charCodeAt(at + 1) === STAR && endsToken(text, at + 2);
}

/** Whether the token at this offset is `*`. */
function isStar(text: string, at: number): boolean {
  return text.charCodeAt(at) === STAR && endsToken(text, at + 1);
}

function endsToken(text: string, at: number): boolean {
  return at >= text.length || text.charCodeAt(at) === SLASH;
}

/** The offset of the token after the one that starts here. */
function nextToken(text: string, at: number): number {
  const slash = text.indexOf('/', at);
  return slash < 0 ? text.length + 1 : slash + 1;
}

/** The length of the token that starts here in both texts, or -1 when the two differ. */
function sharedToken(left: string, l: number, right: string, r: number): number {
  for (let size = 0; ; size++) {
    // The end of a text counts as a slash.
    const code = l + size < left.length ? left.charCodeAt(l + size) : SLASH;
    const other = r + size < right.length ? right.charCodeAt(r + size) : SLASH;
    if (code !== other) return -1;
    if (code === SLASH) return size;
  }
}

/** Marks the positions of a pattern at which it can take in a `**`: every `**` and the `*` right before it. */
function elasticPositions(pattern: readonly string[]): boolean[] {
  const elastic = pattern.map((token) => token === '**');
  for (let i = pattern.length - 2; i >= 0; i--) {
    if (pattern[i] === '*' && elastic[i + 1] === true) elastic[i] = true;
  }
  return elastic;
}

/** Adds what an empty `**` leads to. Takes positions in ascending order and returns them so, each once. */
function reachable(pattern: readonly string[], positions: readonly number[]): number[] {
  const result: number[] = [];
  for (const position of positions) {
    let i = position;
    if (i <= (result[result.length - 1] ?? -1)) continue;
    result.push(i);
    while (pattern[i] === '**') result.push(++i);
  }
  return result;
}

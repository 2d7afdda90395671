/**
 * Channels and patterns as text: their tokens and their canonical form.
 *
 * Every other file of this folder takes canonical text only, so `canonical` is called once, where
 * text enters the program. Source of the rules: docs/protocol.md#channels-and-patterns.
 */

const STAR = 42; // '*'
const WILDCARD = /(?:^|\/)\*\*?(?:\/|$)/;

/** The tokens of a channel or pattern: split at `/`, empty ones dropped. The empty channel has none. */
export function tokens(text: string): string[] {
  // Half the time of text.split('/'), which leaves the compiled code.
  const result: string[] = [];
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf('/', start);
    if (end < 0) end = text.length;
    if (end > start) result.push(text.slice(start, end));
    start = end + 1;
  }
  return result;
}

/**
 * The canonical form of a channel or a pattern; two texts mean the same exactly when it is equal.
 *
 * No empty tokens, and in a run of wildcard tokens that holds a `**` all `*` come first and one `**`
 * follows: `/foo/**` + `/*` + `/**` + `//bar` becomes `foo/*` + `/**` + `/bar`. The channel of a message
 * gets the same treatment. Canonical text is returned as it is, without an allocation.
 */
export function canonical(text: string): string {
  return isCanonical(text) ? text : rebuilt(text);
}

/** Whether a canonical text has a wildcard, that is a whole token `*` or `**`. */
export function isPattern(text: string): boolean {
  // Most channels have no star at all, and the search for one is a native loop.
  return text.includes('*') && WILDCARD.test(text);
}

/** Jumps from slash to slash: this runs for every message, and nearly every channel is canonical already. */
function isCanonical(text: string): boolean {
  const length = text.length;
  if (length === 0) return true;
  let start = 0;
  let afterRest = false;
  for (;;) {
    const slash = text.indexOf('/', start);
    const end = slash < 0 ? length : slash;
    const size = end - start;
    if (size === 0) return false;
    const wildcard =
      size <= 2 && text.charCodeAt(start) === STAR && (size === 1 || text.charCodeAt(start + 1) === STAR);
    if (wildcard && afterRest) return false;
    if (slash < 0) return true;
    afterRest = wildcard && size === 2;
    start = end + 1;
  }
}

function rebuilt(text: string): string {
  const result: string[] = [];
  let pendingRest = false;
  for (const token of tokens(text)) {
    if (token === '**') {
      pendingRest = true; // held back until the run of wildcards ends
    } else {
      if (pendingRest && token !== '*') {
        result.push('**');
        pendingRest = false;
      }
      result.push(token);
    }
  }
  if (pendingRest) result.push('**');
  return result.join('/');
}

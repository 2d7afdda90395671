// Engines have a wildcard for one token, and one for the rest of a channel, at the end alone.

/** The pattern up to its first `**`, which takes in all that may follow. */
export function widenedToEnd(pattern: string): string {
  const at = `/${pattern}/`.indexOf('/**/');
  return at < 0 ? pattern : pattern.slice(0, at + 2);
}

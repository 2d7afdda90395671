// The channels of remote calls (docs/protocol.md#remote-procedure-calls).

/** What a provider of `name` subscribes to. */
export function callPattern(name: string): string {
  return `${name}/-rpc/**/call`;
}

/** Where a caller publishes the argument of its call number `number`. */
export function callChannel(name: string, caller: string, number: number): string {
  return `${name}/-rpc/${caller}/${number}/call`;
}

/** The results of all calls of one caller: one subscription, however many calls are in flight. */
export function resultsPattern(caller: string): string {
  return `**/-rpc/${caller}/*/result`;
}

/** Where the result of a call goes: the last token of its channel replaced. */
export function resultChannel(call: string): string {
  return `${call.slice(0, call.lastIndexOf('/'))}/result`;
}

/** The number of the call that a result channel answers; `NaN` when it has none. */
export function callNumber(result: string): number {
  const end = result.lastIndexOf('/');
  const text = result.slice(result.lastIndexOf('/', end - 1) + 1, end);
  return /^\d+$/.test(text) ? Number(text) : NaN;
}

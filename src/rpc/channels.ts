// The channels of remote calls (docs/protocol.md#remote-procedure-calls, #calls).

/** What a provider of `name` subscribes to. */
export function callPattern(name: string): string {
  return `${name}/-rpc/**/call`;
}

/** What a provider of ours subscribes to as well: what callers say of calls that run. */
export function controlPattern(name: string): string {
  return `${name}/-rpc/**/control`;
}

/** Where a caller publishes the argument of its call number `number`. */
export function callChannel(name: string, caller: string, number: number): string {
  return `${name}/-rpc/${caller}/${number}/call`;
}

/** The results of all calls of one caller: one subscription, however many calls are in flight. */
export function resultsPattern(caller: string): string {
  return `**/-rpc/${caller}/*/result`;
}

/** What comes before the result: items of streams, and progress. */
export function partsPattern(caller: string): string {
  return `**/-rpc/${caller}/*/part`;
}

/** Where the result of a call goes: the last token of its channel replaced. */
export function resultChannel(call: string): string {
  return `${callBase(call)}/result`;
}

export function partChannel(call: string): string {
  return `${callBase(call)}/part`;
}

/** The caller gives the call up. */
export function cancelChannel(call: string): string {
  return `${callBase(call)}/cancel/control`;
}

/** The caller takes more items of a stream. */
export function moreChannel(call: string): string {
  return `${callBase(call)}/more/control`;
}

/** What all channels of one call begin with. */
export function callBase(call: string): string {
  return call.slice(0, call.lastIndexOf('/'));
}

/** What a control message says, and of which call; `what` is empty when it is none. */
export function readControl(channel: string): { readonly base: string; readonly what: string } {
  const [, base = '', what = ''] = /^(.*)\/(cancel|more)\/control$/.exec(channel) ?? [];
  return { base, what };
}

/** The id of the caller; `undefined` when the call has none. */
export function callerOf(call: string): string | undefined {
  return /\/-rpc\/([^/]+)\/[^/]+\/call$/.exec(call)?.[1];
}

/** The number of the call that a result channel answers; `NaN` when it has none. */
export function callNumber(result: string): number {
  const end = result.lastIndexOf('/');
  const text = result.slice(result.lastIndexOf('/', end - 1) + 1, end);
  return /^\d+$/.test(text) ? Number(text) : NaN;
}

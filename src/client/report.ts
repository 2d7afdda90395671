// Where an error goes when the program does not listen: somewhere a person sees it, and never to the program's end.

import type { SpokeError } from '../contracts/index.js';

interface Host {
  readonly process?: { emitWarning?: (text: string, options: { type: string; code: string; detail?: string }) => void };
  readonly reportError?: (error: unknown) => void;
}

/** Reports an error that has no listener. */
export function reportUnheard(error: SpokeError): void {
  const host: Host = globalThis;
  const { message, name: type, code, cause } = error;
  const detail = cause instanceof Error ? cause.stack : undefined;
  // As a text: Node refuses an Error of another realm, such as a test runner's, by throwing.
  if (host.process?.emitWarning !== undefined)
    host.process.emitWarning(message, { type, code, ...(detail !== undefined && { detail }) });
  else host.reportError?.(error);
}

/** What was thrown, as text. Anything can be thrown, also what refuses to become a text. */
export function textOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return `a ${typeof thrown} that has no text`;
  }
}

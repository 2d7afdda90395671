// Where an error goes when the program does not listen: somewhere a person sees it, and never to the program's end.

import type { SpokeError } from '../contracts/index.js';

interface Host {
  readonly process?: { emitWarning?: (warning: Error) => void };
  readonly reportError?: (error: unknown) => void;
}

/** Reports an error that has no listener. */
export function reportUnheard(error: SpokeError): void {
  const host: Host = globalThis;
  if (host.process?.emitWarning !== undefined) host.process.emitWarning(error);
  else host.reportError?.(error);
}

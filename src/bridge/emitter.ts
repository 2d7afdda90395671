// The bridge's events. A listener that throws harms neither the bridge nor the other listeners.

import { createNanoEvents } from 'nanoevents';

import { reportUnheard, textOf } from '../client/index.js';
import { SpokeError } from '../contracts/index.js';
import type { BridgeEvents, BridgeState } from './options.js';

export class BridgeEmitter {
  readonly #events = createNanoEvents<BridgeEvents>();

  on<E extends keyof BridgeEvents>(event: E, listener: BridgeEvents[E]): () => void {
    return this.#events.on(event, listener);
  }

  state(state: BridgeState, error: SpokeError | undefined): void {
    for (const listener of [...(this.#events.events.state ?? [])]) guard('state', () => listener(state, error));
  }

  side(side: 1 | 2, connected: boolean, error: SpokeError | undefined): void {
    for (const listener of [...(this.#events.events.side ?? [])]) guard('side', () => listener(side, connected, error));
  }

  retry(side: 1 | 2, error: SpokeError): void {
    for (const listener of [...(this.#events.events.retry ?? [])]) guard('retry', () => listener(side, error));
  }

  /** Without a listener it goes where a person sees it. */
  error(error: SpokeError): void {
    const listeners = [...(this.#events.events.error ?? [])];
    if (listeners.length === 0) reportUnheard(error);
    for (const listener of listeners) guard('error', () => listener(error));
  }
}

// Not by `error`, whose listener may be the one that threw.
function guard(event: string, call: () => void): void {
  try {
    call();
  } catch (error) {
    const text = `listener of the event '${event}': ${textOf(error)}`;
    reportUnheard(new SpokeError('HANDLER_FAILED', text, { cause: error }));
  }
}

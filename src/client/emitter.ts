// The client's events. A listener that throws harms neither the client nor the other listeners.

import { createNanoEvents } from 'nanoevents';

import { SpokeError } from '../contracts/index.js';
import type { ClientEvents, ClientState } from './options.js';
import { reportUnheard, textOf } from './report.js';

export class ClientEmitter {
  readonly #events = createNanoEvents<ClientEvents>();

  on<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E]): () => void {
    return this.#events.on(event, listener);
  }

  state(state: ClientState, error: SpokeError | undefined): void {
    for (const listener of [...(this.#events.events.state ?? [])]) this.#guard('state', () => listener(state, error));
  }

  retry(error: SpokeError, delay: number): void {
    for (const listener of [...(this.#events.events.retry ?? [])]) this.#guard('retry', () => listener(error, delay));
  }

  /** Without a listener it goes where a person sees it. */
  error(error: SpokeError): void {
    const listeners = [...(this.#events.events.error ?? [])];
    if (listeners.length === 0) reportUnheard(error);
    for (const listener of listeners) this.#guard('error', () => listener(error));
  }

  // Not by `error`, whose listener may be the one that threw.
  #guard(event: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      const text = textOf(error);
      reportUnheard(new SpokeError('HANDLER_FAILED', `listener of the event '${event}': ${text}`, { cause: error }));
    }
  }
}

// Requests that the broker itself answers (docs/protocol.md#feature-requests). All of them may be asked twice: after a reconnect
// they are.

import type { Clock } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import * as control from '../link/control.js';
import { REPLY_PREFIX, REQUEST_PREFIX } from '../link/request-control.js';
import type { RequestBody } from '../link/request-control.js';
import { memberOf } from '../link/kept-control.js';
import type { Offer } from './offer.js';
import type { WaitOptions } from './options.js';
import { waitFor } from './wait-for.js';

interface Pending {
  readonly body: RequestBody;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface RequestHost {
  readonly url: string;
  readonly clock: Clock;
  readonly offer: Offer;
  /** Sends a control message to the broker. */
  tell(channel: string, body: unknown): void;
}

export class Requests {
  readonly #host: RequestHost;
  readonly #pending = new Map<number, Pending>();
  #last = 0;
  #closed: { readonly reason: unknown } | undefined;

  constructor(host: RequestHost) {
    this.#host = host;
    host.offer.onDecided(() => {
      for (const n of [...this.#pending.keys()]) this.#send(n);
    });
  }

  /**
   * Asks the broker, and waits for its answer. Waits for a connection.
   * @throws {SpokeError} `UNSUPPORTED`: the broker answers no requests; `TIMEOUT`, `ABORTED`, `CLOSED`; the broker's code.
   */
  async ask(body: RequestBody, options: WaitOptions = {}): Promise<unknown> {
    const n = ++this.#last;
    try {
      const answer = new Promise<unknown>((resolve, reject) => {
        this.#pending.set(n, { body, resolve, reject });
        if (this.#closed !== undefined) reject(this.#closed.reason);
        else if (this.#host.offer.features !== undefined) this.#send(n);
        else this.#host.offer.ask();
      });
      return await waitFor(answer, options, this.#host.clock, () => `${body.op}: no answer from ${this.#host.url}`);
    } finally {
      this.#pending.delete(n);
    }
  }

  /** A reply of the broker. */
  answered(channel: string, body: unknown): void {
    const pending = this.#pending.get(Number(channel.slice(REPLY_PREFIX.length)));
    const error = control.readError(memberOf(body, 'error'));
    if (error === undefined) pending?.resolve(memberOf(body, 'okay'));
    else pending?.reject(control.asError(error, this.#host.url));
  }

  closed(reason: unknown): void {
    this.#closed = { reason };
    for (const { reject } of this.#pending.values()) reject(reason);
  }

  #send(n: number): void {
    const pending = this.#pending.get(n);
    if (pending === undefined) return;
    if (this.#host.offer.features?.has('requests') === true) {
      this.#host.tell(`${REQUEST_PREFIX}${n}`, pending.body);
      return;
    }
    const text = `the broker at ${this.#host.url} does not offer this (${pending.body.op})`;
    pending.reject(new SpokeError('UNSUPPORTED', text));
  }
}

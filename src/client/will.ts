// What the broker publishes for a client that is lost.

import { SpokeError } from '../contracts/index.js';
import type { WillBody } from '../link/presence-control.js';
import { BYE, WILL } from '../link/presence-control.js';
import type { Offer } from './offer.js';

/** A message that is published when the connection of this client is lost, and not when the client closes. */
export interface Will {
  readonly channel: string;
  /** Default `null`. As a message of 64 KiB at most. */
  readonly body?: unknown;
  /** Keep it as the last value of its channel. Default `false`. */
  readonly persist?: boolean;
  /** Milliseconds after which the broker forgets a persistent one. Default: never. */
  readonly ttl?: number;
}

export interface WillHost {
  readonly url: string;
  readonly offer: Offer;
  connected(): boolean;
  /** Sends a control message to the broker. */
  tell(channel: string, body: unknown): void;
  flush(): Promise<void>;
}

/** The will of one client, told on each of its connections. */
export class LastWill {
  readonly #host: WillHost;
  #will: WillBody | null;

  constructor(host: WillHost, will: Will | undefined) {
    this.#host = host;
    this.#will = will === undefined ? null : bodyOf(will);
    host.offer.onDecided(() => {
      if (this.#will !== null) this.#tell();
    });
  }

  /** @throws {SpokeError} `UNSUPPORTED`, `CLOSED`. */
  async set(will: Will | null): Promise<void> {
    this.#will = will === null ? null : bodyOf(will);
    if (this.#host.offer.features === undefined) this.#host.offer.ask();
    else this.#tell();
    await this.#host.flush();
    if (this.#host.offer.features?.has('will') === false) {
      throw new SpokeError('UNSUPPORTED', `the broker at ${this.#host.url} publishes no wills`);
    }
  }

  /** The client closes. */
  bye(): void {
    if (this.#will !== null && this.#has) this.#host.tell(BYE, null);
  }

  get #has(): boolean {
    return this.#host.connected() && this.#host.offer.features?.has('will') === true;
  }

  #tell(): void {
    if (this.#host.offer.features?.has('will') === true) this.#host.tell(WILL, this.#will);
  }
}

/** @throws {TypeError} */
function bodyOf({ channel, body = null, persist = false, ttl }: Will): WillBody {
  if (typeof channel !== 'string') throw new TypeError('will: the channel must be a string');
  if (ttl !== undefined && !(ttl > 0 && ttl < Infinity)) throw new TypeError('will: ttl must be above 0 milliseconds');
  return { channel, body, persist, ...(ttl !== undefined && { ttl: ttl / 1000 }) };
}

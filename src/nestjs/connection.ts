// The connection of a strategy or of a client proxy: its own, or one that the application lends it.

import type { LoggerService } from '@nestjs/common';

import type { SpokeError } from '../contracts/index.js';
import type { ClientOptions } from '../node/index.js';
import { Client } from '../node/index.js';

export interface SpokeConnectionOptions extends ClientOptions {
  /**
   * One that the application has made, and closes itself; the other options of a connection are ignored then. Default: one of
   * its own, which is closed with it.
   */
  readonly client?: Client;
  /** Milliseconds until the first connection is given up (`TIMEOUT`). Default: none, it tries for ever. */
  readonly timeout?: number;
}

export class SpokeConnection {
  readonly client: Client;
  readonly #own: boolean;
  readonly #timeout: number | undefined;
  readonly #stops: (() => void)[] = [];

  /** @param logger - is told of lost connections and of what no promise reports. */
  constructor(options: SpokeConnectionOptions, logger: LoggerService) {
    const { client, timeout, ...rest } = options;
    this.client = client ?? new Client(rest);
    this.#own = client === undefined;
    this.#timeout = timeout;
    if (!this.#own) return;
    const warn = (error: SpokeError) => void logger.warn(error.message);
    this.#stops.push(
      this.client.on('error', (error) => void logger.error(error)),
      this.client.on('retry', warn),
      this.client.on('state', (state, error) => state === 'reconnecting' && error !== undefined && warn(error)),
    );
  }

  async connect(): Promise<void> {
    await this.client.connect(this.#timeout === undefined ? {} : { timeout: this.#timeout });
  }

  /** Closes the client, if it is its own. */
  async close(): Promise<void> {
    if (this.#own) await this.client.close();
    for (const stop of this.#stops.splice(0)) stop();
  }
}

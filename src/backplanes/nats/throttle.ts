// What the server has not read yet, to the nearest quarter of a megabyte: the library itself holds any amount.

import type { NatsConnection } from '@nats-io/transport-node';

const STEP = 256 * 1024;

export class Throttle {
  readonly #connection: NatsConnection;
  readonly #limit: number;
  #sent = 0;
  #marked = 0;
  #confirmed = 0;
  #generation = 0;

  constructor(connection: NatsConnection, limit: number) {
    this.#connection = connection;
    this.#limit = limit;
  }

  get pending(): number {
    return this.#sent - this.#confirmed;
  }

  /** Counts bytes that are sent now; `false`: too many wait, they must not be. */
  admits(bytes: number): boolean {
    if (this.pending + bytes > this.#limit) return false;
    this.#sent += bytes;
    if (this.#sent - this.#marked >= STEP) this.#mark();
    return true;
  }

  /** The connection is another one. */
  reset(): void {
    this.#generation++;
    this.#marked = this.#confirmed = this.#sent;
  }

  // The server answers in order.
  #mark(): void {
    const [mark, generation] = [this.#sent, this.#generation];
    this.#marked = mark;
    this.#connection.flush().then(
      () => {
        if (generation === this.#generation) this.#confirmed = mark;
      },
      () => {},
    );
  }
}

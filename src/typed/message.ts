// A received message that has been read by a contract.

import type { Message } from '../client/index.js';
import type { HeadFields } from '../contracts/index.js';

/** A message whose channel and body are those of a contract. */
export class TypedMessage<Params = unknown, Body = unknown> {
  /** Canonical. */
  readonly channel: string;
  /** The variable parts of the channel. */
  readonly params: Params;
  /** What the contract's schema made of the body. */
  readonly body: Body;
  readonly #message: Message;

  constructor(message: Message, params: Params, body: Body) {
    this.channel = message.channel;
    this.params = params;
    this.body = body;
    this.#message = message;
  }

  /** As of `Message`. */
  get time(): number | undefined {
    return this.#message.time;
  }

  /** As of `Message`. */
  get kept(): boolean | undefined {
    return this.#message.kept;
  }

  /** As of `Message`. */
  get persist(): boolean {
    return this.#message.persist;
  }

  /** As of `Message`. */
  get head(): HeadFields {
    return this.#message.head;
  }
}

// A message that was read from history.

import type { Head, HeadFields } from '../contracts/index.js';
import { HISTORY_KEY } from '../link/history-control.js';
import { Message } from './message.js';

/** What `from`, durable subscriptions and `client.history` give. */
export class HistoryMessage<T = unknown> extends Message<T> {
  override readonly sequence: number;
  override readonly redelivered: boolean;
  /** How often it was given to somebody, this time included; an engine that was killed may have lost count. */
  readonly deliveries: number;

  /** Not for users. */
  constructor(head: Head, time: number | undefined, body: T, sequence: number, deliveries: number) {
    super(new ReadHead(head), time, body, false);
    this.sequence = sequence;
    this.deliveries = deliveries;
    this.redelivered = deliveries > 1;
  }
}

/** The mark is no part of it. */
class ReadHead implements Head {
  readonly channel: string;
  readonly bounce = true;
  readonly persist: boolean;
  readonly #head: Head;

  constructor(head: Head) {
    this.channel = head.channel;
    this.persist = head.persist;
    this.#head = head;
  }

  fields(): HeadFields {
    const { [HISTORY_KEY]: _, ...fields } = this.#head.fields();
    return fields;
  }
}

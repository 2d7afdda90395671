// The client with all extensions of the protocol that a program may want. Pages have a smaller one.

import { Acknowledgements } from '../client/acknowledgements.js';
import type { PublishOptions } from '../client/index.js';
import type { HeadView } from '../contracts/index.js';
import { SpokeError, withDefaults } from '../contracts/index.js';
import * as ackControl from '../link/ack-control.js';
import * as control from '../link/control.js';
import { systemClock } from '../link/index.js';
import type { Sink } from '../link/index.js';
import type { RpcClientOptions } from '../rpc/index.js';
import { RpcClient } from '../rpc/index.js';

/** An `RpcClient` whose publishes can be answered. Programs use `Client`. */
export class FullClient extends RpcClient {
  readonly #acks: Acknowledgements;
  readonly #sink: Sink;
  #closing = false;

  constructor(options: RpcClientOptions) {
    const { codec } = options;
    const acks = new Acknowledgements({
      url: options.address.href,
      limits: withDefaults(options.limits),
      clock: options.clock ?? systemClock,
      connected: () => this.state === 'connected',
      flush: () => this.flush(),
      tell: (channel, body) => void super.publish(channel, body, { bounce: false }).catch(() => {}),
    });
    const hooks = {
      welcomed: () => acks.decide(this.features.has('ack')),
      control: (view: HeadView) => {
        const { channel } = view.head;
        if (channel === control.ERROR) acks.refused();
        if (channel !== ackControl.ACK || !this.features.has('ack')) return false;
        acks.answered(codec.decodeBody(view));
        return true;
      },
    };
    super({ ...options, extension: { features: ['ack'], offline: acks.offline, hooks } });
    this.#acks = acks;
    this.#sink = options.sink;
    this.on('state', (state, error) => {
      if (state === 'reconnecting') acks.lost();
      if (state === 'closed') acks.closed(error ?? closedError());
    });
  }

  override publish(channel: string, body?: unknown, options?: PublishOptions): Promise<void> {
    if (this.#closing) return Promise.reject(closedError());
    const id = (options?.ack ?? options?.persist) === true ? this.#acks.next() : undefined;
    if (id === undefined) return super.publish(channel, body, options);
    try {
      const length = this.encode(channel, body, options, id);
      const frame = this.#sink.copyLast(length);
      return this.#acks.answer(frame, options?.signal, () => this.send(length, options?.signal));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Waits for a moment for answers that are to come, sends what was handed to the connection, then ends it. Subscriptions
   * end, what still waits for a connection or an answer is refused with `CLOSED`. Idempotent; leaves no socket, timer or
   * listener behind.
   */
  override async close(): Promise<void> {
    this.#closing = true;
    const answers = this.#acks.closing();
    if (answers !== undefined) await answers;
    return super.close();
  }
}

function closedError(): SpokeError {
  return new SpokeError('CLOSED', 'the client was closed');
}

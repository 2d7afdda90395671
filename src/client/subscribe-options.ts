// What can be said of a subscription.

import type { SlowPolicy } from '../link/slow-control.js';

export interface SubscribeOptions {
  /** Aborting unsubscribes. */
  readonly signal?: AbortSignal;
  /**
   * `false`: this client is not sent its own `-control/subscribe` message back, which a subscription that matches control
   * channels, such as `**`, would get. Default `true`.
   */
  readonly bounce?: boolean;
  /**
   * Subscribes as a member of the group of this name (1 to 128 letters): each message goes to one of its members, in turn, on all
   * connections together. A member that does not read is left out while others do. Members get no kept messages.
   *
   * Not in pages, and not with brokers that have no groups (`client.features`): `UNSUPPORTED`, unless `groupOptional`.
   */
  readonly group?: string;
  /**
   * `true`: where there are no groups, subscribe without; then every member gets every message, and the kept ones too. Default
   * `false`.
   */
  readonly groupOptional?: boolean;
  /**
   * What becomes of messages while this client does not read, with brokers that offer it (`client.features` has `slow`):
   * - `'disconnect'`: they wait; past `limits.outboundBytes` of the broker the connection is ended. The default;
   * - `'drop-oldest'`: the latest 1,000 wait, older ones are left out;
   * - `'latest'`: of each channel the latest one waits;
   * - `'hold'`: they wait, and who publishes them is not read meanwhile. Past `limits.holdTime` this connection is ended.
   *
   * It holds for the pattern: of several subscriptions to one pattern the latest decides. Where several patterns match a message,
   * the one that leaves out least decides. Not for groups, and not in pages.
   */
  readonly slow?: SlowPolicy;
  /** Called when messages were left out here, with their number, before the next message. They count in `subscription.missed`. */
  readonly missed?: (count: number) => void;
  /**
   * Called when all messages that were kept have been delivered: after subscribing, and again after each reconnect. What was
   * not among them then is kept no more. Only with brokers that say so (`client.features` has `kept`); not in pages.
   */
  readonly complete?: () => void;
  /**
   * Called when a message that was kept was cleared, or has expired. One on the same channel that is newer than `time`
   * (seconds) stays. Only with brokers that say so; not in pages.
   */
  readonly cleared?: (channel: string, time: number) => void;
  /**
   * Reads the history of these channels from there on, and then what is published from now on, each once and in order, however long
   * it takes and whichever broker the client is connected to: a time (as the engine stored it), a sequence (`message.sequence`), or `'start'` for
   * the oldest that is kept. With `durable` it says where that begins when it is made; default: with what comes from now on.
   *
   * The handler is awaited before the next message is given to it. Only with brokers on a backplane that keeps history of the whole pattern
   * (`client.features` has `history`): else `UNSUPPORTED`. Not in pages, and not with `group` or `slow`.
   */
  readonly from?: Date | number | 'start';
  /**
   * A subscription of this name (1 to 128 letters), which outlasts the client: it goes on where it stopped, at whichever broker. Each message comes at
   * least once: it is done when the handler, or its promise, has returned (of an iterator: when the next one is asked for). If it throws, the
   * message comes again after 1 s, then 2, 4, up to 60. What a client had when its connection ended comes to others at once; what a broker had
   * that was killed, within 30 s. Several clients of the same user under one name share the messages. `client.durables` lists and removes.
   *
   * As `from`: only where history is kept.
   */
  readonly durable?: string;
  /** With `from` or `durable`: messages that wait at this client at the most, 1 to 1,000. Default 100. */
  readonly inFlight?: number;
  /**
   * With `durable`: milliseconds after which a message, and those that wait behind it, are given to others although the handler has not
   * returned; when it returns the subscription goes on. Default 30,000; `Infinity` for never.
   */
  readonly ackWait?: number;
}

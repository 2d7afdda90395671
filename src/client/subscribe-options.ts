// What can be said of a subscription.

export interface SubscribeOptions {
  /** Aborting unsubscribes. */
  readonly signal?: AbortSignal;
  /**
   * `false`: this client is not sent its own `-control/subscribe` message back, which a subscription that matches control
   * channels, such as `**`, would get. Default `true`.
   */
  readonly bounce?: boolean;
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
}

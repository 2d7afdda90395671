// Time as an argument, so that tests can hold it still.

/** Time and timers. The system's own in programs, a virtual one in tests. */
export interface Clock {
  /** Milliseconds since the epoch, fractional. May jump when the system's clock is set. */
  now(): number;
  /** Milliseconds from some fixed point; never goes back. */
  monotonic(): number;
  /** Runs `callback` once, `delay` milliseconds from now. Returns a function that cancels it. */
  setTimer(delay: number, callback: () => void): () => void;
  /** Runs `callback` after the events that are already due, as soon as possible. Cannot be cancelled. */
  defer(callback: () => void): void;
}
